package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/tests/cliente"
	. "entregas/tests/prueba"
)

// mala is an input that must be refused: the body, the status, and the field that the error names ("" where there is none).
type mala struct {
	nombre, cuerpo string
	estado         int
	campo          string
}

// conUsuario is a good purchase but for productos.
func conUsuario(usuario, productos string) string {
	return fmt.Sprintf(`{"id_usuario": %q, "productos": %s}`, usuario, productos)
}

func lineas(n int) string {
	var partes []string
	for i := range n {
		partes = append(partes, fmt.Sprintf(`{"id_producto": "p%d", "cantidad": 1}`, i))
	}
	return "[" + strings.Join(partes, ",") + "]"
}

func malasPorREST(u string) []mala {
	cantidad := func(texto string) string { return conUsuario(u, `[{"id_producto": "1", "cantidad": `+texto+`}]`) }
	const una = `[{"id_producto": "1", "cantidad": 1}]`
	return []mala{
		{"producto repetido", conUsuario(u, `[{"id_producto": "1", "cantidad": 1}, {"id_producto": "1", "cantidad": 2}]`), 400, "productos[1].id_producto"},
		{"cantidad 0", cantidad("0"), 400, "productos[0].cantidad"},
		{"cantidad negativa", cantidad("-3"), 400, "productos[0].cantidad"},
		{"cantidad mayor que un millón", cantidad("1000001"), 400, "productos[0].cantidad"},
		{"cantidad que no es número", cantidad(`"dos"`), 400, "cantidad"},
		{"cantidad con decimales", cantidad("1.5"), 400, "cantidad"},
		{"cantidad enorme", cantidad("1e40"), 400, "cantidad"},
		{"a quantity with an exponent", cantidad("1e2"), 400, "productos[0].cantidad"},
		{"a field twice", `{"id_usuario": "` + u + `", "id_usuario": "` + u + `", "productos": ` + una + `}`, 400, "id_usuario"},
		{"a field in capitals", `{"ID_USUARIO": "` + u + `", "productos": ` + una + `}`, 400, "ID_USUARIO"},
		{"half a character", `{"id_usuario": "` + u + `\ud800", "productos": ` + una + `}`, 400, "id_usuario"},
		{"cantidad nula", cantidad("null"), 400, "productos[0].cantidad"},
		{"sin cantidad", conUsuario(u, `[{"id_producto": "1"}]`), 400, "productos[0].cantidad"},
		{"sin producto", conUsuario(u, `[{"cantidad": 1}]`), 400, "productos[0].id_producto"},
		{"sin líneas", conUsuario(u, `[]`), 400, "productos"},
		{"líneas nulas", conUsuario(u, `null`), 400, "productos"},
		{"101 líneas", conUsuario(u, lineas(101)), 400, "productos"},
		{"usuario largo", conUsuario(u+strings.Repeat("x", 65), una), 400, "id_usuario"},
		{"usuario vacío", `{"id_usuario": "", "productos": ` + una + `}`, 400, "id_usuario"},
		{"usuario que no es texto", `{"id_usuario": 7, "productos": ` + una + `}`, 400, "id_usuario"},
		{"usuario con caracteres de control", `{"id_usuario": "` + u + `\u0007", "productos": ` + una + `}`, 400, "id_usuario"},
		{"usuario con un cero", `{"id_usuario": "` + u + `\u0000", "productos": ` + una + `}`, 400, "id_usuario"},
		{"producto largo", conUsuario(u, `[{"id_producto": "`+strings.Repeat("x", 65)+`", "cantidad": 1}]`), 400, "productos[0].id_producto"},
		{"producto con caracteres de control", conUsuario(u, `[{"id_producto": "1\n", "cantidad": 1}]`), 400, "productos[0].id_producto"},
		{"id que no es UUID", `{"id": "mía", "id_usuario": "` + u + `", "productos": ` + una + `}`, 400, "id"},
		{"domicilio que no es sí o no", `{"id_usuario": "` + u + `", "domicilio": "sí", "productos": ` + una + `}`, 400, "domicilio"},
		{"campo desconocido", `{"id_usuario": "` + u + `", "precio": 1, "productos": ` + una + `}`, 400, "precio"},
		{"JSON a medias", `{"id_usuario": "` + u + `", "productos": [`, 400, ""},
		{"no es JSON", `hola`, 400, ""},
		{"una lista", `[]`, 400, ""},
		{"vacío", ``, 400, ""},
		{"dos objetos", conUsuario(u, una) + conUsuario(u, una), 400, ""},
		{"más de 1 MiB", conUsuario(u, una)[:1] + `"id": "` + strings.Repeat("x", 1<<20) + `",` + conUsuario(u, una)[1:], 413, ""},
	}
}

// Nothing of a bad input is stored or published, and its sender is told what to change.
func TestMalasPorREST(t *testing.T) {
	s := Abrir(t)
	u := Usuario(t)
	nadaPasa(t, s, u, func() {
		for _, m := range malasPorREST(u) {
			r, err := s.BFF.Pedir(t.Context(), http.MethodPost, "/compras", []byte(m.cuerpo))
			if err != nil {
				t.Errorf("%s: %v", m.nombre, err)
				continue
			}
			esProblema(t, m.nombre, r, m.estado, m.campo)
		}
	})
}

func TestMalasAlLeer(t *testing.T) {
	s := Abrir(t)
	for _, m := range []struct {
		metodo, ruta string
		estado       int
		campo        string
	}{
		{"GET", "/compras/" + NuevoID(), 404, ""},
		{"GET", "/compras/otra-cosa", 400, "id"},
		{"GET", "/compras/" + NuevoID() + "/eventos", 404, ""},
		{"GET", "/compras/otra-cosa/eventos", 400, "id"},
		{"GET", "/productos/llama", 404, ""},
		{"GET", "/productos/" + strings.Repeat("x", 65), 400, "id"},
		{"GET", "/usuarios/ana/compras?limite=0", 400, "limite"},
		{"GET", "/usuarios/ana/compras?limite=muchas", 400, "limite"},
		{"GET", "/usuarios/ana/compras?limite=101", 400, "limite"},
		{"GET", "/usuarios/ana/compras?despues=2026-01-02T03:04:05Z_" + NuevoID() + "%00", 400, "despues"},
		{"GET", "/compras?despues=2026-01-02T03:04:05Z_%ff", 400, "despues"},
		{"POST", "//compras", 404, ""},
		{"POST", "/compras/", 404, ""},
		{"GET", "/usuarios/" + strings.Repeat("x", 65) + "/compras", 400, "id_usuario"},
		{"DELETE", "/compras/" + NuevoID(), 405, ""},
		{"GET", "/nada", 404, ""},
	} {
		r, err := s.BFF.Pedir(t.Context(), m.metodo, m.ruta, nil)
		if err != nil {
			t.Errorf("%s %s: %v", m.metodo, m.ruta, err)
			continue
		}
		esProblema(t, m.metodo+" "+m.ruta, r, m.estado, m.campo)
	}
}

// esProblema requires RFC 9457 with this status, words for a person, and the field by its name.
func esProblema(t *testing.T, nombre string, r cliente.Respuesta, estado int, campo string) {
	t.Helper()
	p := r.Problema()
	if r.Estado != estado || r.Cabeceras.Get("Content-Type") != "application/problem+json" || !strings.HasPrefix(p.Type, "urn:entregas:problema:") || p.Title == "" || p.Detail == "" {
		t.Errorf("%s: se esperaba un problema %d y hubo %d %s %.300s", nombre, estado, r.Estado, r.Cabeceras.Get("Content-Type"), r.Cuerpo)
	}
	if campo == "" {
		return
	}
	for _, e := range p.Errores {
		if strings.HasSuffix(e.Campo, campo) && e.Detalle != "" {
			return
		}
	}
	t.Errorf("%s: no nombra %q: %.300s", nombre, campo, r.Cuerpo)
}

// nadaPasa requires that what hacer does leaves no purchase of customers whose name begins with u, and no message.
func nadaPasa(t *testing.T, s *Sistema, u string, hacer func()) {
	t.Helper()
	antes := publicados(t, s)
	hacer()
	if n := Contar(t, s.BaseGestor, `select count(*) from compra where starts_with(id_usuario, $1)`, u); n != 0 {
		t.Errorf("quedaron %d compras de %s", n, u)
	}
	if !s.EsPropio() {
		t.Log("en la instancia de todos los días puede haber otros clientes: no se miran los contadores de mensajes")
		return
	}
	if despues := publicados(t, s); fmt.Sprint(antes) != fmt.Sprint(despues) {
		t.Errorf("se publicó algo: %v antes, %v después", antes, despues)
	}
}

func publicados(t *testing.T, s *Sistema) map[string]int64 {
	t.Helper()
	cuantos := map[string]int64{}
	for _, tema := range contracts.Nombres() {
		n, err := s.Broker.Entraron(t.Context(), tema)
		if err != nil {
			t.Fatal(err)
		}
		cuantos[tema] = n
	}
	return cuantos
}

// respuestaGraphQL is what /v1 answers.
type respuestaGraphQL struct {
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions struct {
			Code    string
			Errores []contracts.CampoInvalido
		}
	}
}

func porV1(t *testing.T, s *Sistema, consulta string, variables map[string]any) (respuestaGraphQL, int) {
	t.Helper()
	cuerpo, err := json.Marshal(map[string]any{"query": consulta, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return crudoPorV1(t, s, cuerpo)
}

func crudoPorV1(t *testing.T, s *Sistema, cuerpo []byte) (respuestaGraphQL, int) {
	t.Helper()
	r, err := cliente.Directo(s.Entorno.BFF).Pedir(t.Context(), http.MethodPost, "/v1", cuerpo)
	if err != nil {
		t.Fatal(err)
	}
	var g respuestaGraphQL
	if err := json.NewDecoder(bytes.NewReader(r.Cuerpo)).Decode(&g); err != nil {
		t.Fatalf("/v1 respondió %d %.300s", r.Estado, r.Cuerpo)
	}
	return g, r.Estado
}
