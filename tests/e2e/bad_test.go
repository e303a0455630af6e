package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// badCase is an input that must be refused: the body, the status, and the field that the error names, empty for none.
type badCase struct {
	name, body string
	status     int
	field      string
}

// withUsuario returns the body of a purchase by usuario that is right except for its products.
func withUsuario(usuario, productos string) string {
	return fmt.Sprintf(`{"id_usuario": %q, "productos": %s}`, usuario, productos)
}

// lineas returns n lines as JSON.
func lineas(n int) string {
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprintf(`{"id_producto": "p%d", "cantidad": 1}`, i))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func badOverREST(u string) []badCase {
	cantidad := func(text string) string { return withUsuario(u, `[{"id_producto": "1", "cantidad": `+text+`}]`) }
	const one = `[{"id_producto": "1", "cantidad": 1}]`
	return []badCase{
		{"a product twice", withUsuario(u, `[{"id_producto": "1", "cantidad": 1}, {"id_producto": "1", "cantidad": 2}]`), 400, "productos[1].id_producto"},
		{"quantity 0", cantidad("0"), 400, "productos[0].cantidad"},
		{"a negative quantity", cantidad("-3"), 400, "productos[0].cantidad"},
		{"a quantity above a million", cantidad("1000001"), 400, "productos[0].cantidad"},
		{"a quantity that is no number", cantidad(`"dos"`), 400, "cantidad"},
		{"a quantity with decimals", cantidad("1.5"), 400, "cantidad"},
		{"a huge quantity", cantidad("1e40"), 400, "cantidad"},
		{"a quantity with an exponent", cantidad("1e2"), 400, "productos[0].cantidad"},
		{"a field twice", `{"id_usuario": "` + u + `", "id_usuario": "` + u + `", "productos": ` + one + `}`, 400, "id_usuario"},
		{"a field in capitals", `{"ID_USUARIO": "` + u + `", "productos": ` + one + `}`, 400, "ID_USUARIO"},
		{"half a character", `{"id_usuario": "` + u + `\ud800", "productos": ` + one + `}`, 400, "id_usuario"},
		{"a null quantity", cantidad("null"), 400, "productos[0].cantidad"},
		{"no quantity", withUsuario(u, `[{"id_producto": "1"}]`), 400, "productos[0].cantidad"},
		{"no product", withUsuario(u, `[{"cantidad": 1}]`), 400, "productos[0].id_producto"},
		{"no lines", withUsuario(u, `[]`), 400, "productos"},
		{"null lines", withUsuario(u, `null`), 400, "productos"},
		{"101 lines", withUsuario(u, lineas(101)), 400, "productos"},
		{"a long customer", withUsuario(u+strings.Repeat("x", 65), one), 400, "id_usuario"},
		{"an empty customer", `{"id_usuario": "", "productos": ` + one + `}`, 400, "id_usuario"},
		{"a customer that is no string", `{"id_usuario": 7, "productos": ` + one + `}`, 400, "id_usuario"},
		{"a customer with control characters", `{"id_usuario": "` + u + `\u0007", "productos": ` + one + `}`, 400, "id_usuario"},
		{"a customer with a NUL", `{"id_usuario": "` + u + `\u0000", "productos": ` + one + `}`, 400, "id_usuario"},
		{"a long product", withUsuario(u, `[{"id_producto": "`+strings.Repeat("x", 65)+`", "cantidad": 1}]`), 400, "productos[0].id_producto"},
		{"a product with control characters", withUsuario(u, `[{"id_producto": "1\n", "cantidad": 1}]`), 400, "productos[0].id_producto"},
		{"an id that is no UUID", `{"id": "mía", "id_usuario": "` + u + `", "productos": ` + one + `}`, 400, "id"},
		{"a home delivery that is no boolean", `{"id_usuario": "` + u + `", "domicilio": "sí", "productos": ` + one + `}`, 400, "domicilio"},
		{"an unknown field", `{"id_usuario": "` + u + `", "precio": 1, "productos": ` + one + `}`, 400, "precio"},
		{"half of a JSON", `{"id_usuario": "` + u + `", "productos": [`, 400, ""},
		{"no JSON", `hola`, 400, ""},
		{"a list", `[]`, 400, ""},
		{"empty", ``, 400, ""},
		{"two objects", withUsuario(u, one) + withUsuario(u, one), 400, ""},
		{"more than 1 MiB", withUsuario(u, one)[:1] + `"id": "` + strings.Repeat("x", 1<<20) + `",` + withUsuario(u, one)[1:], 413, ""},
	}
}

// The bff refuses a bad purchase and names the field to change. It stores and publishes nothing.
func TestBadRequestsByREST(t *testing.T) {
	s := Open(t)
	u := Usuario(t)
	nothingHappens(t, s, u, func() {
		for _, m := range badOverREST(u) {
			r, err := s.BFF.Request(t.Context(), http.MethodPost, "/compras", []byte(m.body))
			if err != nil {
				t.Errorf("%s: %v", m.name, err)
				continue
			}
			isProblem(t, m.name, r, m.status, m.field)
		}
	})
}

// A bad path, query or method is refused with the right status. The problem names the wrong field, if it is a field.
func TestBadReads(t *testing.T) {
	t.Parallel()
	s := Open(t)
	for _, m := range []struct {
		method, path string
		status       int
		field        string
	}{
		{"GET", "/compras/" + NewID(), 404, ""},
		{"GET", "/compras/no-es-un-uuid", 400, "id"},
		{"GET", "/compras/" + NewID() + "/eventos", 404, ""},
		{"GET", "/compras/no-es-un-uuid/eventos", 400, "id"},
		{"GET", "/productos/llama", 404, ""},
		{"GET", "/productos/" + strings.Repeat("x", 65), 400, "id"},
		{"GET", "/usuarios/ana/compras?limite=0", 400, "limite"},
		{"GET", "/usuarios/ana/compras?limite=muchas", 400, "limite"},
		{"GET", "/usuarios/ana/compras?limite=101", 400, "limite"},
		{"GET", "/usuarios/ana/compras?despues=2026-01-02T03:04:05Z_" + NewID() + "%00", 400, "despues"},
		{"GET", "/compras?despues=2026-01-02T03:04:05Z_%ff", 400, "despues"},
		{"POST", "//compras", 404, ""},
		{"POST", "/compras/", 404, ""},
		{"GET", "/usuarios/" + strings.Repeat("x", 65) + "/compras", 400, "id_usuario"},
		{"DELETE", "/compras/" + NewID(), 405, ""},
		{"GET", "/nada", 404, ""},
	} {
		r, err := s.BFF.Request(t.Context(), m.method, m.path, nil)
		if err != nil {
			t.Errorf("%s %s: %v", m.method, m.path, err)
			continue
		}
		isProblem(t, m.method+" "+m.path, r, m.status, m.field)
	}
}

// isProblem fails the test unless the response is a problem of RFC 9457 with this status, a text for a person, and the name of the field.
func isProblem(t *testing.T, name string, r client.Response, status int, field string) {
	t.Helper()
	p := r.Problem()
	if r.Status != status || r.Headers.Get("Content-Type") != "application/problem+json" || !strings.HasPrefix(p.Type, "urn:entregas:problema:") || p.Title == "" || p.Detail == "" {
		t.Errorf("%s: want a problem %d, got %d %s %.300s", name, status, r.Status, r.Headers.Get("Content-Type"), r.Body)
	}
	if field == "" {
		return
	}
	for _, e := range p.Errores {
		if strings.HasSuffix(e.Field, field) && e.Detalle != "" {
			return
		}
	}
	t.Errorf("%s: it does not name %q: %.300s", name, field, r.Body)
}

// nothingHappens runs act. It fails the test when act creates a message, or a purchase of a customer whose name begins with u.
func nothingHappens(t *testing.T, s *System, u string, act func()) {
	t.Helper()
	earlier := published(t, s)
	act()
	if n := Count(t, s.ManagerDatabase, `select count(*) from compra where starts_with(id_usuario, $1)`, u); n != 0 {
		t.Errorf("there are %d purchases of %s", n, u)
	}
	if !s.IsOwn() {
		t.Log("on the instance up there may be other customers: messages are not counted")
		return
	}
	if after := published(t, s); fmt.Sprint(earlier) != fmt.Sprint(after) {
		t.Errorf("something was published: %v before, %v after", earlier, after)
	}
}

// published returns how many messages each topic got so far.
func published(t *testing.T, s *System) map[string]int64 {
	t.Helper()
	howMany := map[string]int64{}
	for _, topic := range contracts.Names() {
		n, err := s.Broker.Entered(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		howMany[topic] = n
	}
	return howMany
}

// graphQLResponse is a response of /v1.
type graphQLResponse struct {
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions struct {
			Code    string
			Errores []contracts.InvalidField
		}
	}
}

func viaV1(t *testing.T, s *System, query string, variables map[string]any) (graphQLResponse, int) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return rawByV1(t, s, body)
}

func rawByV1(t *testing.T, s *System, body []byte) (graphQLResponse, int) {
	t.Helper()
	r, err := client.Direct(s.Env.BFF).Request(t.Context(), http.MethodPost, "/v1", body)
	if err != nil {
		t.Fatal(err)
	}
	var g graphQLResponse
	if err := json.NewDecoder(bytes.NewReader(r.Body)).Decode(&g); err != nil {
		t.Fatalf("/v1 answered %d %.300s", r.Status, r.Body)
	}
	return g, r.Status
}
