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
	routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "front page") })
	return routes
}

func do(routes http.Handler, route, accepts, etag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, route, http.NoBody)
	r.Header.Set("Accept", accepts)
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	w := httptest.NewRecorder()
	routes.ServeHTTP(w, r)
	return w
}

const html = "text/html,application/xhtml+xml,*/*;q=0.8"

// Each page is complete, refers to files that exist, and has nothing that its own Content-Security-Policy forbids.
func TestPages(t *testing.T) {
	routes := newPages()
	link := regexp.MustCompile(`(?:src|href)="(/static/[^"#]+)`)
	inline := regexp.MustCompile(`<script>|<style|\son\w+=|\sstyle=`)
	for _, route := range []string{"/", "/compras", "/compras/01938f5e-7c1a-7000-8000-000000000001", "/operador", "/operador/compras",
		"/operador/compras/x", "/operador/existencias", "/operador/mensajes-muertos", "/operador/despachos", "/operador/aprobaciones"} {
		w := do(routes, route, html, "")
		text := w.Body.String()
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(text, "<h1") || !strings.HasSuffix(strings.TrimSpace(text), "</html>") {
			t.Fatalf("%s: %d %v\n%s", route, w.Code, w.Header(), text)
		}
		if p := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'self'") || strings.Contains(p, "unsafe") {
			t.Errorf("%s: policy %q", route, p)
		}
		if bad := inline.FindString(text); bad != "" {
			t.Errorf("%s has %q, which its policy forbids", route, bad)
		}
		for _, e := range link.FindAllStringSubmatch(text, -1) {
			if f := do(routes, e[1], "*/*", ""); f.Code != http.StatusOK {
				t.Errorf("%s refers to %s: %d", route, e[1], f.Code)
			}
		}
	}
}

// A request that does not accept HTML gets no page.
func TestPageOnlyForRequestsThatAcceptHTML(t *testing.T) {
	routes := newPages()
	if w := do(routes, "/", "*/*", ""); w.Body.String() != "front page" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, route := range []string{"/compras/" + strings.Repeat("x", 65), "/operador/compras/a%20b", "/nada"} {
		if w := do(routes, route, html, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", route, w.Code)
		}
	}
	if w := do(routes, "/compras", "application/json", ""); w.Code != http.StatusNotFound {
		t.Errorf("%d", w.Code)
	}
}

func TestStaticFiles(t *testing.T) {
	routes := newPages()
	imported := regexp.MustCompile(`(?:from|new URL\() ?"\./([^"]+)"`)
	list, err := os.ReadDir("static")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		w := do(routes, "/static/"+e.Name(), "*/*", "")
		if w.Code != http.StatusOK || w.Header().Get("ETag") == "" {
			t.Errorf("%s: %d", e.Name(), w.Code)
		}
		if other := do(routes, "/static/"+e.Name(), "*/*", w.Header().Get("ETag")); other.Code != http.StatusNotModified {
			t.Errorf("%s again: %d", e.Name(), other.Code)
		}
		for _, m := range imported.FindAllStringSubmatch(w.Body.String(), -1) {
			if f := do(routes, "/static/"+m[1], "*/*", ""); f.Code != http.StatusOK || f.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
				t.Errorf("%s imports %s: %d %s", e.Name(), m[1], f.Code, f.Header().Get("Content-Type"))
			}
		}
	}
	page := do(routes, "/", html, "").Body.String()
	named := regexp.MustCompile(`/static/[\w-]+\.[0-9a-f]{16}\.\w+`)
	if all := named.FindAllString(page, -1); len(all) < 8 || strings.Count(page, "/static/") != len(all) {
		t.Errorf("the shop names files without the hash of their content: %v", all)
	}
	for _, route := range named.FindAllString(page, -1) {
		w := do(routes, route, "*/*", "")
		if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d, Cache-Control %s", route, w.Code, w.Header().Get("Cache-Control"))
		}
	}
	if w := do(routes, "/", html, ""); w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("a page has Cache-Control %s", w.Header().Get("Cache-Control"))
	}
	if w := do(routes, "/favicon.ico", "*/*", ""); w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/svg+xml" {
		t.Errorf("favicon.ico: %d %s", w.Code, w.Header().Get("Content-Type"))
	}
	if w := do(routes, "/static/../pages.go", "*/*", ""); w.Code == http.StatusOK {
		t.Error("a file outside of static was served")
	}
}

// Text that people write is shown as they wrote it: each element with a reason, a detail or a user's name keeps its spaces.
func TestWhatPeopleWriteIsShownAsWritten(t *testing.T) {
	// The attributes of an element whose only child is a field of free text.
	shown := regexp.MustCompile(`h\("[a-z]+", (\{[^{}]*(?:\$\{[^{}]*\}[^{}]*)*\}), (?:\w+\.(?:motivo|detalle|usuario|id_usuario)\b|tell\w*\()[^(]*\)`)
	loose := regexp.MustCompile("`[^`]*\\$\\{c\\.motivo\\}")
	found := 0
	files, err := filepath.Glob("static/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range shown.FindAllStringSubmatch(string(text), -1) {
			if found++; !strings.Contains(m[1], "verbatim") {
				t.Errorf("%s: %s", name, m[0])
			}
		}
		if m := loose.FindString(string(text)); m != "" {
			t.Errorf("%s has a reason inside another text: %s", name, m)
		}
	}
	if found < 7 {
		t.Errorf("the pattern found only %d places: adapt it to the scripts", found)
	}
	style, err := os.ReadFile("static/style.css")
	if err != nil || !strings.Contains(string(style), ".verbatim { white-space: pre-wrap") {
		t.Errorf("the style: %v", err)
	}
}

// The pages draw the saga from the table: each page has the whole table with all that it draws, and no script names a step.
func TestPagesDrawTheTableOfSteps(t *testing.T) {
	const from, to = `<script type="application/json" id="steps">`, `</script>`
	_, text, found := strings.Cut(do(newPages(), "/operador/compras/x", html, "").Body.String(), from)
	text, _, closed := strings.Cut(text, to)
	var steps []struct{ Command, Participant, Rollback, Undone, State, Name, Title, Summary, Doing string }
	if err := json.Unmarshal([]byte(text), &steps); err != nil || !found || !closed {
		t.Fatalf("the page has no steps: edit bff/pages/html/frame.html: %v", err)
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
	files, err := filepath.Glob("static/*.js")
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
				t.Errorf("bff/pages/%s names %s: take it from static/saga.js", name, word)
			}
		}
	}
}

// The limits of the fields in the pages are those of contracts.
func TestLimitsOfTheFields(t *testing.T) {
	limit := regexp.MustCompile(`\b(?:maxlength|max)(?:: |=)"\d+"|cart\.total\(\) > \d+`)
	for file, want := range map[string]string{
		"static/frame.js":       fmt.Sprintf(`maxlength: "%d"`, contracts.MaxMotivo),
		"static/existencias.js": fmt.Sprintf(`max: "%d"`, contracts.MaxCantidad),
		"static/shop.js":        fmt.Sprintf(`cart.total() > %d max: "%d"`, contracts.ApprovalThreshold, contracts.MaxCantidad),
		"html/op-compras.html":  fmt.Sprintf(`maxlength="%d" maxlength="%[1]d"`, contracts.MaxIdentifier),
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

// No build step checks the names that HTML, scripts and styles share: each id that a script looks up exists, and each class has
// a style.
func TestSharedNamesExist(t *testing.T) {
	var markup, scripts, styles string
	for pattern, text := range map[string]*string{"html/*.html": &markup, "static/*.js": &scripts, "static/*.css": &styles} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			*text += string(b)
		}
	}
	names := func(text string, patterns ...string) map[string]bool {
		found := map[string]bool{}
		for _, p := range patterns {
			for _, m := range regexp.MustCompile(p).FindAllStringSubmatch(text, -1) {
				for _, name := range strings.Fields(m[1]) {
					found[name] = true
				}
			}
		}
		return found
	}
	ids := names(markup+scripts, `\bid="([\w-]+)"`, `\bid: "([\w-]+)"`)
	looked := names(scripts, `byId\("([\w-]+)"\)`)
	for id := range looked {
		if !ids[id] {
			t.Errorf("a script looks up #%s, which no page has", id)
		}
	}
	styled := names(styles, `\.([a-z][\w-]*)`)
	classes := names(markup+scripts, `\bclass="([^"{]+)"`, `\bclass: "([^"]+)"`, "\\bclass: `([a-z ]+) \\$")
	for class := range classes {
		if !styled[class] {
			t.Errorf("no style sheet has .%s", class)
		}
	}
	if len(looked) < 30 || len(classes) < 60 {
		t.Errorf("the patterns found only %d ids and %d classes: adapt them", len(looked), len(classes))
	}
}
