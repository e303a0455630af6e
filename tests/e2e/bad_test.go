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

// mala is an input that must be refused: the body, the status, and the field that the error names ("" where there is none).
type badCase struct {
	name, body string
	status     int
	field      string
}

// withUsuario is a good purchase but for productos.
func withUsuario(usuario, productos string) string {
	return fmt.Sprintf(`{"id_usuario": %q, "productos": %s}`, usuario, productos)
}

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
		{"producto repetido", withUsuario(u, `[{"id_producto": "1", "cantidad": 1}, {"id_producto": "1", "cantidad": 2}]`), 400, "productos[1].id_producto"},
		{"cantidad 0", cantidad("0"), 400, "productos[0].cantidad"},
		{"cantidad negativa", cantidad("-3"), 400, "productos[0].cantidad"},
		{"cantidad mayor que un millón", cantidad("1000001"), 400, "productos[0].cantidad"},
		{"cantidad que no es número", cantidad(`"dos"`), 400, "cantidad"},
		{"cantidad con decimales", cantidad("1.5"), 400, "cantidad"},
		{"cantidad enorme", cantidad("1e40"), 400, "cantidad"},
		{"a quantity with an exponent", cantidad("1e2"), 400, "productos[0].cantidad"},
		{"a field twice", `{"id_usuario": "` + u + `", "id_usuario": "` + u + `", "productos": ` + one + `}`, 400, "id_usuario"},
		{"a field in capitals", `{"ID_USUARIO": "` + u + `", "productos": ` + one + `}`, 400, "ID_USUARIO"},
		{"half a character", `{"id_usuario": "` + u + `\ud800", "productos": ` + one + `}`, 400, "id_usuario"},
		{"cantidad nula", cantidad("null"), 400, "productos[0].cantidad"},
		{"sin cantidad", withUsuario(u, `[{"id_producto": "1"}]`), 400, "productos[0].cantidad"},
		{"sin producto", withUsuario(u, `[{"cantidad": 1}]`), 400, "productos[0].id_producto"},
		{"sin líneas", withUsuario(u, `[]`), 400, "productos"},
		{"líneas nulas", withUsuario(u, `null`), 400, "productos"},
		{"101 líneas", withUsuario(u, lineas(101)), 400, "productos"},
		{"usuario largo", withUsuario(u+strings.Repeat("x", 65), one), 400, "id_usuario"},
		{"usuario vacío", `{"id_usuario": "", "productos": ` + one + `}`, 400, "id_usuario"},
		{"usuario que no es texto", `{"id_usuario": 7, "productos": ` + one + `}`, 400, "id_usuario"},
		{"usuario con caracteres de control", `{"id_usuario": "` + u + `\u0007", "productos": ` + one + `}`, 400, "id_usuario"},
		{"usuario con un cero", `{"id_usuario": "` + u + `\u0000", "productos": ` + one + `}`, 400, "id_usuario"},
		{"producto largo", withUsuario(u, `[{"id_producto": "`+strings.Repeat("x", 65)+`", "cantidad": 1}]`), 400, "productos[0].id_producto"},
		{"producto con caracteres de control", withUsuario(u, `[{"id_producto": "1\n", "cantidad": 1}]`), 400, "productos[0].id_producto"},
		{"id que no es UUID", `{"id": "mía", "id_usuario": "` + u + `", "productos": ` + one + `}`, 400, "id"},
		{"domicilio que no es sí o no", `{"id_usuario": "` + u + `", "domicilio": "sí", "productos": ` + one + `}`, 400, "domicilio"},
		{"campo desconocido", `{"id_usuario": "` + u + `", "precio": 1, "productos": ` + one + `}`, 400, "precio"},
		{"JSON a medias", `{"id_usuario": "` + u + `", "productos": [`, 400, ""},
		{"no es JSON", `hola`, 400, ""},
		{"una lista", `[]`, 400, ""},
		{"vacío", ``, 400, ""},
		{"dos objetos", withUsuario(u, one) + withUsuario(u, one), 400, ""},
		{"más de 1 MiB", withUsuario(u, one)[:1] + `"id": "` + strings.Repeat("x", 1<<20) + `",` + withUsuario(u, one)[1:], 413, ""},
	}
}

// Nothing of a bad input is stored or published, and its sender is told what to change.
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

func TestBadReads(t *testing.T) {
	s := Open(t)
	for _, m := range []struct {
		method, path string
		status       int
		field        string
	}{
		{"GET", "/compras/" + NewID(), 404, ""},
		{"GET", "/compras/otra-cosa", 400, "id"},
		{"GET", "/compras/" + NewID() + "/eventos", 404, ""},
		{"GET", "/compras/otra-cosa/eventos", 400, "id"},
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

// isProblem requires RFC 9457 with this status, words for a person, and the field by its name.
func isProblem(t *testing.T, name string, r client.Response, status int, field string) {
	t.Helper()
	p := r.Problem()
	if r.Status != status || r.Headers.Get("Content-Type") != "application/problem+json" || !strings.HasPrefix(p.Type, "urn:entregas:problema:") || p.Title == "" || p.Detail == "" {
		t.Errorf("%s: se esperaba un problema %d y hubo %d %s %.300s", name, status, r.Status, r.Headers.Get("Content-Type"), r.Body)
	}
	if field == "" {
		return
	}
	for _, e := range p.Errores {
		if strings.HasSuffix(e.Field, field) && e.Detalle != "" {
			return
		}
	}
	t.Errorf("%s: no nombra %q: %.300s", name, field, r.Body)
}

// nothingHappens requires that what act does leaves no purchase of customers whose name begins with u, and no message.
func nothingHappens(t *testing.T, s *System, u string, act func()) {
	t.Helper()
	earlier := published(t, s)
	act()
	if n := Count(t, s.ManagerDatabase, `select count(*) from compra where starts_with(id_usuario, $1)`, u); n != 0 {
		t.Errorf("quedaron %d compras de %s", n, u)
	}
	if !s.IsOwn() {
		t.Log("en la instancia de todos los días puede haber otros clientes: no se miran los contadores de mensajes")
		return
	}
	if after := published(t, s); fmt.Sprint(earlier) != fmt.Sprint(after) {
		t.Errorf("se publicó algo: %v antes, %v después", earlier, after)
	}
}

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

// graphQLResponse is what /v1 answers.
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
		t.Fatalf("/v1 respondió %d %.300s", r.Status, r.Body)
	}
	return g, r.Status
}
