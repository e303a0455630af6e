package e2e

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// The bff stores the text of a client and returns it unchanged: an id in capitals, and a motivo of two lines with joined emoji. All
// times have one format, and a search finds accented letters in both Unicode forms.
func TestTheDoorKeepsWhatIsWritten(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 10})
	u, id := Usuario(t), NewID()
	a, err := s.BFF.Comprar(t.Context(), contracts.SolicitudCompra{ID: strings.ToUpper(id), IDUsuario: u, Productos: []contracts.Linea{Linea("1", 1)}})
	if err != nil || a.ID != id {
		t.Fatalf("%+v, %v", a, err)
	}
	s.Wait(t, id, contracts.EstadoConfirmada)

	const reason = "Ya no.\n\tGracias\u00a0👩\u200d👧"
	if _, err := s.BFF.Cancelar(t.Context(), strings.ToUpper(id), reason); err != nil {
		t.Fatal(err)
	}
	c := s.Wait(t, id, contracts.EstadoCancelada)
	if !strings.Contains(c.Motivo, reason) {
		t.Errorf("the reason came back as %q", c.Motivo)
	}
	r, err := s.BFF.Request(t.Context(), http.MethodGet, "/compras/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	instants := regexp.MustCompile(`"(?:creada_en|actualizada_en|en)":"([^"]*)"`).FindAllSubmatch(r.Body, -1)
	for _, i := range instants {
		if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).Match(i[1]) {
			t.Errorf("an instant has the form %s", i[1])
		}
	}
	if len(instants) < 3 {
		t.Errorf("%s", r.Body)
	}
	for _, words := range []string{"caf%C3%A9", "cafe%CC%81", "CAFE"} {
		if r, err := s.BFF.Request(t.Context(), http.MethodGet, "/productos?buscar="+words, nil); err != nil || !strings.Contains(string(r.Body), `"id":"1"`) {
			t.Errorf("%s finds %s, %v", words, r.Body, err)
		}
	}
}

// The bff handles an empty body of unknown length as no body. It refuses a body without the JSON content type, and does not read it.
func TestBodiesByTheirHeaders(t *testing.T) {
	t.Parallel()
	s := Open(t)
	token, err := s.Env.Token("otto", "operador")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, kind string
		body       io.Reader
		status     int
	}{
		{"/compras/" + NewID() + "/cancelacion", "", io.MultiReader(), http.StatusNotFound}, // the bff looks for the purchase
		{"/compras/" + NewID() + "/cancelacion", "text/plain", strings.NewReader(`{}`), http.StatusUnsupportedMediaType},
		{"/compras", "application/x-www-form-urlencoded", strings.NewReader(`{}`), http.StatusUnsupportedMediaType},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Env.BFF+"/api"+c.path, c.body)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = -1
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", c.kind)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		isProblem(t, c.path, client.Response{Status: res.StatusCode, Headers: res.Header, Body: text}, c.status, "")
	}
}
