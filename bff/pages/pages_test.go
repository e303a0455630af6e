package pages_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"entregas/bff/pages"
	"entregas/contracts"
	"entregas/workflows/compra"
)

func newPages() *mux.Router {
	routes := mux.NewRouter()
	pages.Register(routes)
	routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "portada") })
	return routes
}

func do(routes http.Handler, route, accepts, mark string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, route, http.NoBody)
	r.Header.Set("Accept", accepts)
	if mark != "" {
		r.Header.Set("If-None-Match", mark)
	}
	w := httptest.NewRecorder()
	routes.ServeHTTP(w, r)
	return w
}

const html = "text/html,application/xhtml+xml,*/*;q=0.8"

// Each page is whole, names only files that are there, and has nothing in it that its own policy would stop.
func TestPages(t *testing.T) {
	routes := newPages()
	link := regexp.MustCompile(`(?:src|href)="(/estatico/[^"#]+)`)
	inline := regexp.MustCompile(`<script>|<style|\son\w+=|\sstyle=`)
	for _, route := range []string{"/", "/compras", "/compras/01938f5e-7c1a-7000-8000-000000000001", "/operador", "/operador/compras",
		"/operador/compras/x", "/operador/existencias", "/operador/mensajes-muertos"} {
		w := do(routes, route, html, "")
		text := w.Body.String()
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(text, "<h1") || !strings.HasSuffix(strings.TrimSpace(text), "</html>") {
			t.Fatalf("%s: %d %v\n%s", route, w.Code, w.Header(), text)
		}
		if p := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'self'") || strings.Contains(p, "unsafe") {
			t.Errorf("%s: política %q", route, p)
		}
		if bad := inline.FindString(text); bad != "" {
			t.Errorf("%s tiene %q, que su política no deja", route, bad)
		}
		for _, e := range link.FindAllStringSubmatch(text, -1) {
			if f := do(routes, e[1], "*/*", ""); f.Code != http.StatusOK {
				t.Errorf("%s nombra %s: %d", route, e[1], f.Code)
			}
		}
	}
}

// A program that asks for the same address is not given a page.
func TestOnlyToWhoAsksForHTML(t *testing.T) {
	routes := newPages()
	if w := do(routes, "/", "*/*", ""); w.Body.String() != "portada" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := do(routes, "/compras", "application/json", ""); w.Code != http.StatusNotFound {
		t.Errorf("%d", w.Code)
	}
}

func TestStaticFiles(t *testing.T) {
	routes := newPages()
	imported := regexp.MustCompile(`from "\./([^"]+)"`)
	list, err := os.ReadDir("estatico")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		w := do(routes, "/estatico/"+e.Name(), "*/*", "")
		if w.Code != http.StatusOK || w.Header().Get("ETag") == "" {
			t.Errorf("%s: %d", e.Name(), w.Code)
		}
		if other := do(routes, "/estatico/"+e.Name(), "*/*", w.Header().Get("ETag")); other.Code != http.StatusNotModified {
			t.Errorf("%s otra vez: %d", e.Name(), other.Code)
		}
		for _, m := range imported.FindAllStringSubmatch(w.Body.String(), -1) {
			if f := do(routes, "/estatico/"+m[1], "*/*", ""); f.Code != http.StatusOK || f.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
				t.Errorf("%s importa %s: %d %s", e.Name(), m[1], f.Code, f.Header().Get("Content-Type"))
			}
		}
	}
	if w := do(routes, "/favicon.ico", "*/*", ""); w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/svg+xml" {
		t.Errorf("favicon.ico: %d %s", w.Code, w.Header().Get("Content-Type"))
	}
	if w := do(routes, "/estatico/../pages.go", "*/*", ""); w.Code == http.StatusOK {
		t.Error("sirve lo que no es suyo")
	}
}

// What people write is shown as they wrote it: each element that is given a reason, a detail or a user's name keeps its spaces.
func TestWhatPeopleWriteIsShownAsWritten(t *testing.T) {
	// The element's attributes, and then a field of free text as its only child.
	shown := regexp.MustCompile(`h\("[a-z]+", (\{[^{}]*(?:\$\{[^{}]*\}[^{}]*)*\}), \w+\.(?:motivo|detalle|usuario|id_usuario)\b[^(]*\)`)
	loose := regexp.MustCompile("`[^`]*\\$\\{c\\.motivo\\}")
	found := 0
	files, err := filepath.Glob("estatico/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range shown.FindAllStringSubmatch(string(text), -1) {
			if found++; !strings.Contains(m[1], "escrito") {
				t.Errorf("%s: %s", name, m[0])
			}
		}
		if m := loose.FindString(string(text)); m != "" {
			t.Errorf("%s: a reason within another text: %s", name, m)
		}
	}
	if found < 7 {
		t.Errorf("only %d places were found: the pattern does not know them any more", found)
	}
	style, err := os.ReadFile("estatico/estilo.css")
	if err != nil || !strings.Contains(string(style), ".escrito { white-space: pre-wrap") {
		t.Errorf("the style: %v", err)
	}
}

// The pages draw the saga from the table: each has all of it, no script names a step by itself, and what a step needs to be drawn
// is there.
func TestPagesDrawTheTableOfSteps(t *testing.T) {
	const from, to = `<script type="application/json" id="steps">`, `</script>`
	_, text, found := strings.Cut(do(newPages(), "/operador/compras/x", html, "").Body.String(), from)
	text, _, closed := strings.Cut(text, to)
	var steps []struct{ Command, Participant, Rollback, Undone, State, Name, Title, Summary, Doing string }
	if err := json.Unmarshal([]byte(text), &steps); err != nil || !found || !closed {
		t.Fatalf("the page has no steps: edit bff/pages/html/marco.html: %v", err)
	}
	if len(steps) != len(compra.Steps) {
		t.Errorf("%d steps of %d: edit bff/pages/saga.go", len(steps), len(compra.Steps))
	}
	drawn := map[string]bool{}
	for i, s := range steps {
		if string(compra.Steps[i].Command) != s.Command {
			t.Errorf("%s where the table has %s: edit bff/pages/saga.go", s.Command, compra.Steps[i].Command)
		}
		if s.Participant == "" {
			t.Errorf("%s has no participant to draw: edit Topics in contracts/topics.go", s.Command)
		}
		if (s.Rollback != "") != (s.Undone != "") {
			t.Errorf("%s has no title for %s: edit workflows/compra/steps.go", s.Command, s.Rollback)
		}
		if s.State != "" && (s.Name == "" || s.Title == "" || s.Summary == "" || s.Doing == "") {
			t.Errorf("%s has no words for %s: edit workflows/compra/steps.go", s.Command, s.State)
		}
		drawn[s.Command], drawn[s.Rollback], drawn[s.State] = true, true, true
	}
	delete(drawn, "")
	files, err := filepath.Glob("estatico/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for word := range drawn {
			if regexp.MustCompile(`\b` + word + `\b`).Match(text) {
				t.Errorf("bff/pages/%s names %s: take it from estatico/saga.js", name, word)
			}
		}
	}
}

// The limits that the fields of the pages have are those of contracts.
func TestTheLimitsOfThePages(t *testing.T) {
	limit := regexp.MustCompile(`\b(?:maxlength|max)(?:: |=)"\d+"|cesta\.total\(\) > \d+`)
	for file, want := range map[string]string{
		"estatico/marco.js":       fmt.Sprintf(`maxlength: "%d"`, contracts.MaxMotivo),
		"estatico/existencias.js": fmt.Sprintf(`max: "%d"`, contracts.MaxCantidad),
		"estatico/tienda.js":      fmt.Sprintf(`cesta.total() > %d max: "%d"`, contracts.ApprovalThreshold, contracts.MaxCantidad),
		"html/op-compras.html":    fmt.Sprintf(`maxlength="%d"`, contracts.MaxIdentifier),
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(limit.FindAllString(string(text), -1), " "); got != want {
			t.Errorf("%s has %q, contracts has %q", file, got, want)
		}
	}
}
