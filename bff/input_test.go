package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entregas/bff/identity"
	"entregas/contracts"
)

var (
	linea = func(cantidad string) string { return compra(`[{"id_producto":"1","cantidad":` + cantidad + `}]`) }
	// overHundred has 101 lines of a purchase.
	overHundred = func() string {
		var lineas []string
		for i := range contracts.MaxLineas + 1 {
			lineas = append(lineas, fmt.Sprintf(`{"id_producto":"%d","cantidad":1}`, i))
		}
		return `[` + strings.Join(lineas, ",") + `]`
	}()
)

func compra(lineas string) string { return `{"id_usuario":"ana","productos":` + lineas + `}` }

const (
	comprar  = "POST /api/compras"
	cancelar = "POST /api/compras/01938f5e-7c1a-7000-8000-000000000001/cancelacion"
	aprobar  = "POST /api/compras/01938f5e-7c1a-7000-8000-000000000001/aprobacion"
)

var badInputs = []struct {
	name, operation, body string
	status                int
	field                 string
	headers               []string
}{
	{"no body", comprar, ``, 400, "", nil},
	{"broken JSON", comprar, `{"id_usuario":`, 400, "", nil},
	{"text after the JSON", comprar, linea("1") + `{}`, 400, "", nil},
	{"a list", comprar, `[]`, 400, "", nil},
	{"an unknown field", comprar, `{"id_usuario":"ana","usuario":"ana"}`, 400, "", nil},
	{"more than 1 MiB", comprar, `{"id_usuario":"` + strings.Repeat("a", contracts.MaxRequestBody) + `"}`, 413, "", nil},
	{"no customer", comprar, `{"productos":[{"id_producto":"1","cantidad":1}]}`, 400, "id_usuario", nil},
	{"customer that is no text", comprar, `{"id_usuario":7,"productos":[]}`, 400, "id_usuario", nil},
	{"customer too long", comprar, `{"id_usuario":"` + strings.Repeat("a", 65) + `","productos":[{"id_producto":"1","cantidad":1}]}`, 400, "id_usuario", nil},
	{"customer with control characters", comprar, `{"id_usuario":"a\u0000b","productos":[{"id_producto":"1","cantidad":1}]}`, 400, "id_usuario", nil},
	{"id that is no UUID", comprar, `{"id":"1","id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, 400, "id", nil},
	{"no products", comprar, `{"id_usuario":"ana"}`, 400, "productos", nil},
	{"no lines", comprar, compra(`[]`), 400, "productos", nil},
	{"101 lines", comprar, compra(overHundred), 400, "productos", nil},
	{"products that are no list", comprar, compra(`"1:2"`), 400, "productos", nil},
	{"product twice", comprar, compra(`[{"id_producto":"1","cantidad":1},{"id_producto":"1","cantidad":2}]`), 400, "productos[1].id_producto", nil},
	{"product with control characters", comprar, compra(`[{"id_producto":"1\n","cantidad":1}]`), 400, "productos[0].id_producto", nil},
	{"product too long", comprar, compra(`[{"id_producto":"` + strings.Repeat("1", 65) + `","cantidad":1}]`), 400, "productos[0].id_producto", nil},
	{"product missing", comprar, compra(`[{"cantidad":1}]`), 400, "productos[0].id_producto", nil},
	{"quantity 0", comprar, linea("0"), 400, "productos[0].cantidad", nil},
	{"quantity missing", comprar, compra(`[{"id_producto":"1"}]`), 400, "productos[0].cantidad", nil},
	{"quantity negative", comprar, linea("-1"), 400, "productos[0].cantidad", nil},
	{"quantity over 1,000,000", comprar, linea("1000001"), 400, "productos[0].cantidad", nil},
	{"quantity that overflows", comprar, linea("1e30"), 400, "productos[0].cantidad", nil},
	{"quantity that is no number", comprar, linea(`"dos"`), 400, "productos[0].cantidad", nil},
	{"quantity with decimals", comprar, linea("1.5"), 400, "productos[0].cantidad", nil},
	{"domicilio that is no boolean", comprar, `{"id_usuario":"ana","domicilio":"True"}`, 400, "domicilio", nil},
	{"empty key", comprar, linea("1"), 400, "Idempotency-Key", []string{"Idempotency-Key", ""}},
	{"key too long", comprar, linea("1"), 400, "Idempotency-Key", []string{"Idempotency-Key", strings.Repeat("k", 256)}},
	{"key with accents", comprar, linea("1"), 400, "Idempotency-Key", []string{"Idempotency-Key", "clavé"}},
	{"read an id that is no UUID", "GET /api/compras/1", ``, 400, "id", nil},
	{"follow an id that is no UUID", "GET /api/compras/1/eventos", ``, 400, "id", nil},
	{"follow from what is no number", "GET /api/compras/01938f5e-7c1a-7000-8000-000000000001/eventos", ``, 400, "Last-Event-ID", []string{"Last-Event-ID", "x"}},
	{"limit that is no number", "GET /api/usuarios/ana/compras?limite=x", ``, 400, "limite", nil},
	{"limit 0", "GET /api/usuarios/ana/compras?limite=0", ``, 400, "limite", nil},
	{"limit over 100", "GET /api/usuarios/ana/compras?limite=101", ``, 400, "limite", nil},
	{"list of a customer too long", "GET /api/usuarios/" + strings.Repeat("a", 65) + "/compras", ``, 400, "id_usuario", nil},
	{"product whose id is too long", "GET /api/productos/" + strings.Repeat("a", 65), ``, 400, "id", nil},
	{"restock 0", "POST /api/productos/1/reposicion", `{"cantidad":0}`, 400, "cantidad", nil},
	{"restock over 1,000,000", "POST /api/productos/1/reposicion", `{"cantidad":1000001}`, 400, "cantidad", nil},
	{"restock what is no number", "POST /api/productos/1/reposicion", `{"cantidad":"x"}`, 400, "cantidad", nil},
	{"restock without a body", "POST /api/productos/1/reposicion", ``, 400, "", nil},
	{"restock with an empty key", "POST /api/productos/1/reposicion", `{"cantidad":1}`, 400, "Idempotency-Key", []string{"Idempotency-Key", ""}},
	{"cancel an id that is no UUID", "POST /api/compras/1/cancelacion", ``, 400, "id", nil},
	{"cancel with a reason too long", cancelar, `{"motivo":"` + strings.Repeat("a", 501) + `"}`, 400, "motivo", nil},
	{"cancel with a reason that is no text", cancelar, `{"motivo":1}`, 400, "motivo", nil},
	{"cancel with broken JSON", cancelar, `{`, 400, "", nil},
	{"decide without a decision", aprobar, `{}`, 400, "aprobada", nil},
	{"decide by a text", aprobar, `{"aprobada":"sí"}`, 400, "aprobada", nil},
	{"decide without a body", aprobar, ``, 400, "", nil},
	{"an order whose id is no UUID", "GET /api/ordenes/1", ``, 400, "id", nil},
	{"dispatch an id that is no UUID", "POST /api/ordenes/1/despacho", ``, 400, "id", nil},
	{"an unknown state", "GET /api/compras?estado=NADA", ``, 400, "estado", nil},
	{"a search that is too long", "GET /api/compras?texto=" + strings.Repeat("a", 65), ``, 400, "texto", nil},
	{"a search with an escape", "GET /api/compras?texto=%1b", ``, 400, "texto", nil},
	{"a product with a NUL", "GET /api/compras?id_producto=%00", ``, 400, "id_producto", nil},
	{"a day that does not exist", "GET /api/compras?desde=2026-02-30", ``, 400, "desde", nil},
	{"a period that ends before it begins", "GET /api/compras?desde=2026-02-02&hasta=2026-02-01", ``, 400, "hasta", nil},
	{"changed since yesterday", "GET /api/compras?cambiada_desde=ayer", ``, 400, "cambiada_desde", nil},
	{"an unknown order", "GET /api/compras?orden=precio", ``, 400, "orden", nil},
	{"a count neither true nor false", "GET /api/compras?contar=x", ``, 400, "contar", nil},
	{"a cursor of another order", "GET /api/compras?orden=actualizada_en&despues=2026-01-02T03:04:05Z_01938f5e-7c1a-7000-8000-000000000001", ``, 400, "despues", nil},
	{"a customer's page after a cursor by change", "GET /api/usuarios/ana/compras?despues=cambio_2026-01-02T03:04:05Z_01938f5e-7c1a-7000-8000-000000000001", ``, 400, "despues", nil},
	{"a file of an unknown state", "GET /api/compras?estado=NADA", ``, 400, "estado", []string{"Accept", "text/csv"}},
	{"domicilio neither true nor false", "GET /api/compras?domicilio=x", ``, 400, "domicilio", nil},
	{"seconds that are no number", "GET /api/operacion/resumen?segundos=x", ``, 400, "segundos", nil},
	{"minutes that are no number", "GET /api/operacion/colas?minutos=x", ``, 400, "minutos", nil},
	{"search too long", "GET /api/productos?buscar=" + strings.Repeat("a", 65), ``, 400, "buscar", nil},
	{"search for what is no text", "GET /api/productos?buscar=%00", ``, 400, "buscar", nil},
	{"a page after a bad cursor", "GET /api/compras?despues=" + strings.Repeat("a", 60_000), ``, 400, "despues", nil},
	{"a customer's page after a bad cursor", "GET /api/usuarios/ana/compras?despues=" + strings.Repeat("a", 60_000), ``, 400, "despues", nil},
	{"a cursor with a NUL", "GET /api/compras?despues=2026-01-02T03:04:05Z_01938f5e-7c1a-7000-8000-000000000001%00", ``, 400, "despues", nil},
	{"a cursor with a broken byte", "GET /api/usuarios/ana/compras?despues=2026-01-02T03:04:05Z_01938f5e-7c1a-7000-8000-00000000000%ff", ``, 400, "despues", nil},
	{"a cursor that was changed", "GET /api/usuarios/ana/compras?despues=2026-01-02T03:04:05Z", ``, 400, "despues", nil},
	{"a quantity with an exponent", comprar, linea("1e2"), 400, "productos[0].cantidad", nil},
	{"a field twice", comprar, `{"id_usuario":"ana","id_usuario":"eva"}`, 400, "id_usuario", nil},
	{"a field in capitals", comprar, `{"ID_usuario":"ana"}`, 400, "ID_usuario", nil},
	{"half a character", comprar, `{"id_usuario":"\ud800"}`, 400, "id_usuario", nil},
	{"a broken byte", cancelar, "{\"motivo\":\"\xff\"}", 400, "motivo", nil},
	{"a byte order mark", cancelar, "\ufeff{}", 400, "", nil},
	{"a list for an object", cancelar, `[]`, 400, "", nil},
	{"null for an object", cancelar, `null`, 400, "", nil},
	{"a reason with a bell", cancelar, `{"motivo":"no\u0007"}`, 400, "motivo", nil},
	{"a decision that is null", aprobar, `{"aprobada":null}`, 400, "aprobada", nil},
	{"no JSON by its header", comprar, linea("1"), 415, "", []string{"Content-Type", "text/plain"}},
	{"nothing by its header", comprar, linea("1"), 415, "", []string{"Content-Type", ""}},
	{"a reason that is no JSON by its header", cancelar, `{}`, 415, "", []string{"Content-Type", "application/x-www-form-urlencoded"}},
	{"a query that is cut", "GET /api/compras?limite=%", ``, 400, "", nil},
	{"a query with a semicolon", "GET /api/productos?buscar=cafe;x=1", ``, 400, "", nil},
	{"a page of 1e1", "GET /api/compras?limite=1e1", ``, 400, "limite", nil},
	{"a page of two sizes", "GET /api/compras?limite=1&limite=2", ``, 400, "limite", nil},
	{"a path that does not exist", "GET /api/nada", ``, 404, "", nil},
	{"a path outside of /api", "GET /nada", ``, 404, "", nil},
	{"a method that is not allowed", "DELETE /api/compras", ``, 405, "", nil},
	{"read /v1", "GET /v1", ``, 405, "", nil},
}

// A bad input over REST gets a problem that names the field. The bff calls, publishes and stores nothing.
func TestBadInput(t *testing.T) {
	for _, c := range badInputs {
		t.Run(c.name, func(t *testing.T) {
			p := newGate(t)
			verb, path, _ := strings.Cut(c.operation, " ")
			r := p.do(t, verb, path, c.body, c.headers...)
			said := problem(t, r)
			if r.Code != c.status || said.Status != c.status || said.Detail == "" || !strings.HasPrefix(said.Type, "urn:entregas:problema:") {
				t.Errorf("got %d %+v, want %d", r.Code, said, c.status)
			}
			if c.field != "" && (len(said.Errores) != 1 || !strings.HasSuffix(said.Errores[0].Field, c.field) || said.Errores[0].Detalle == "" || strings.Contains(said.Errores[0].Detalle, "que se espera")) {
				t.Errorf("got fields %+v, want %s", said.Errores, c.field)
			}
			p.untouched(t)
		})
	}
}

// A path in another spelling is 404. A redirect would make a client send its POST again as a GET.
func TestNoRedirect(t *testing.T) {
	p := newGate(t)
	for _, verb := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
		for _, path := range []string{
			"//api/compras", "/api//compras", "/api/compras/", "/api/./compras", "/api/productos/../compras", "/api/%2e/compras", "/api%2Fcompras",
			"/%61pi//compras", "//graphql", "/graphql/", "/./graphql", "/graphql/.", "//v1", "//desarrollo/token", "/x/../salir", "//salir",
		} {
			r := p.do(t, verb, path, "")
			if r.Code != http.StatusNotFound && r.Code != http.StatusMethodNotAllowed || r.Header().Get("Location") != "" {
				t.Errorf("%s %s: %d %v", verb, path, r.Code, r.Header())
			}
		}
	}
	p.untouched(t)
}

// Every operation takes an id in capitals and answers it in its canonical form.
func TestCapitals(t *testing.T) {
	for _, c := range []struct {
		operation, body string
		state           contracts.Estado
	}{
		{comprar, `{"id":"` + strings.ToUpper(anasCompra) + `","id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}]}`, ""},
		{"GET /api/compras/" + strings.ToUpper(anasCompra), "", ""},
		{"GET /api/compras/" + strings.ToUpper(anasCompra) + "/eventos", "", contracts.EstadoCancelada},
		{"GET /api/compras/" + strings.ToUpper(anasCompra) + "/mensajes", "", ""},
		{"POST /api/compras/" + strings.ToUpper(anasCompra) + "/cancelacion", "", contracts.EstadoConfirmada},
		{"POST /api/compras/" + strings.ToUpper(anasCompra) + "/aprobacion", `{"aprobada":true}`, contracts.EstadoPorAprobar},
		{"POST /api/compras/" + strings.ToUpper(anasCompra) + "/reintento", "", contracts.EstadoFallida},
		{"GET /api/ordenes/" + strings.ToUpper(idOrden), "", ""},
		{"POST /api/ordenes/" + strings.ToUpper(idOrden) + "/despacho", "", ""},
	} {
		p := newGate(t)
		p.withAnasCompra(t, c.state)
		verb, path, _ := strings.Cut(c.operation, " ")
		r := p.do(t, verb, path, c.body)
		if told := r.Body.String() + r.Header().Get("Location"); r.Code/100 != 2 || strings.Contains(told, strings.ToUpper(anasCompra)) || strings.Contains(told, strings.ToUpper(idOrden)) {
			t.Errorf("%s: %d %s %v", c.operation, r.Code, r.Body, r.Header())
		}
		if n := len(p.manager.Compras()); n != 1 {
			t.Errorf("%s: %d purchases", c.operation, n)
		}
	}
}

// A chunked body that is empty counts as no body.
func TestEmptyChunkedBody(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, contracts.EstadoConfirmada)
	server := httptest.NewServer(p)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/compras/"+anasCompra+"/cancelacion", io.MultiReader())
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = -1 // chunked, as a client sends a body of unknown length
	auth := p.as(t, "ana", identity.Cliente)
	r.Header.Set(auth[0], auth[1])
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusAccepted {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestSeveralBadFieldsAtOnce(t *testing.T) {
	r := newGate(t).do(t, http.MethodPost, "/api/compras", `{"id":"x","id_usuario":"","productos":[{"id_producto":"1","cantidad":0}]}`)
	if said := problem(t, r); len(said.Errores) != 3 {
		t.Errorf("%+v", said)
	}
}

func TestUnknownCompra(t *testing.T) {
	p := newGate(t)
	for _, path := range []string{"/api/compras/01938f5e-7c1a-7000-8000-000000000001", "/api/compras/01938f5e-7c1a-7000-8000-000000000001/eventos"} {
		if r := p.do(t, http.MethodGet, path, ""); problem(t, r).Status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, r.Code, r.Body)
		}
	}
}

// v1Response is an answer of /v1.
type v1Response struct {
	Data *struct {
		CrearCompra struct {
			Mensaje string
			Codigo  int
		}
		Compras []struct{ IDUsuario, Estado string }
	}
	Errors []struct {
		Message    string
		Extensions struct {
			Code    string
			Errores []contracts.InvalidField
		}
	}
}

func (p gate) v1(t *testing.T, body string) v1Response {
	t.Helper()
	r := p.do(t, http.MethodPost, "/v1", body, "Content-Type", "application/json")
	var said v1Response
	if err := json.Unmarshal(r.Body.Bytes(), &said); err != nil {
		t.Fatalf("%d %s: %v", r.Code, r.Body, err)
	}
	return said
}

func mutation(usuario, productos, domicilio string) string {
	text, _ := json.Marshal(map[string]any{
		"query":     `mutation($u:String!,$p:String!,$d:String!){crearCompra(idUsuario:$u,productos:$p,domicilio:$d){mensaje codigo}}`,
		"variables": map[string]string{"u": usuario, "p": productos, "d": domicilio},
	})
	return string(text)
}

func TestV1(t *testing.T) {
	p := newGate(t)
	said := p.v1(t, mutation("ana", "1:1, 2:3", "True"))
	if said.Data == nil || said.Data.CrearCompra.Mensaje != "Procesando Mensaje" || said.Data.CrearCompra.Codigo != 203 {
		t.Fatalf("%+v", said)
	}
	c := p.manager.Compras()[0]
	if c.IDUsuario != "ana" || !c.Domicilio || len(c.Productos) != 2 || c.Productos[1] != (contracts.Linea{IDProducto: "2", Cantidad: 3}) {
		t.Errorf("arrived as %+v", c)
	}
	said = p.v1(t, `{"query":"{compras(idUsuario:\"ana\"){idUsuario estado}}"}`)
	if said.Data == nil || len(said.Data.Compras) != 1 || said.Data.Compras[0].Estado != "RECIBIDA" || said.Data.Compras[0].IDUsuario != "ana" {
		t.Errorf("%+v", said)
	}
	p.manager.GoDown()
	if said = p.v1(t, mutation("ana", "1:1", "False")); said.Data == nil || said.Data.CrearCompra.Codigo != 203 {
		t.Errorf("gestor-compra down: %+v", said)
	}
}

func TestBadInputV1(t *testing.T) {
	for _, c := range []struct{ name, body, code, field string }{
		{"broken JSON", `{"query":`, "invalido", ""},
		{"more than 1 MiB", mutation(strings.Repeat("a", contracts.MaxRequestBody), "1:1", "True"), "demasiado", ""},
		{"a query of an unknown field", `{"query":"{nada}"}`, "GRAPHQL_VALIDATION_FAILED", ""},
		{"a broken query", `{"query":"{"}`, "GRAPHQL_PARSE_FAILED", ""},
		{"no arguments", `{"query":"mutation{crearCompra{codigo}}"}`, "GRAPHQL_VALIDATION_FAILED", ""},
		{"no customer", mutation("", "1:1", "True"), "invalido", "idUsuario"},
		{"customer with control characters", mutation("a\tb", "1:1", "True"), "invalido", "idUsuario"},
		{"customer too long", mutation(strings.Repeat("a", 65), "1:1", "True"), "invalido", "idUsuario"},
		{"no products", mutation("ana", "", "True"), "invalido", "productos"},
		{"product without a quantity", mutation("ana", "1", "True"), "invalido", "productos[0]"},
		{"quantity that is no number", mutation("ana", "1:1,2:dos", "True"), "invalido", "productos[1].cantidad"},
		{"quantity 0", mutation("ana", "1:0", "True"), "invalido", "productos[0].cantidad"},
		{"quantity over 1,000,000", mutation("ana", "1:1000001", "True"), "invalido", "productos[0].cantidad"},
		{"quantity that overflows", mutation("ana", "1:99999999999999999999", "True"), "invalido", "productos[0].cantidad"},
		{"product twice", mutation("ana", "1:1,1:2", "True"), "invalido", "productos[1].id_producto"},
		{"empty product", mutation("ana", ":1", "True"), "invalido", "productos[0].id_producto"},
		{"101 lines", mutation("ana", strings.Repeat("1:1,", 100)+"1:1", "True"), "invalido", "productos"},
		{"bad domicilio", mutation("ana", "1:1", "sí"), "invalido", "domicilio"},
		{"list without a customer", `{"query":"{compras(idUsuario:\"\"){estado}}"}`, "invalido", "idUsuario"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newGate(t)
			said := p.v1(t, c.body)
			if len(said.Errors) == 0 || said.Errors[0].Extensions.Code != c.code || said.Errors[0].Message == "" {
				t.Fatalf("got %+v, want %s", said, c.code)
			}
			if fields := said.Errors[0].Extensions.Errores; c.field != "" && (len(fields) != 1 || fields[0].Field != c.field) {
				t.Errorf("got fields %+v, want %s", fields, c.field)
			}
			p.untouched(t)
		})
	}
}

func TestV1DoesNotTellTheInternal(t *testing.T) {
	p := newGate(t)
	p.manager.Respond(fmt.Errorf("pq: password authentication failed"))
	said := p.v1(t, mutation("ana", "1:1", "True"))
	if len(said.Errors) != 1 || said.Errors[0].Extensions.Code != "interno" || strings.Contains(said.Errors[0].Message, "password") {
		t.Errorf("%+v", said)
	}
}

// No body makes the bff fail, and no answer repeats much of it. The test exchanges, drops and doubles bytes of valid bodies.
func TestArbitraryBodies(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1)) // #nosec G404 -- a test
	p := newGate(t)
	p.withAnasCompra(t, contracts.EstadoConfirmada)
	for range 3_000 {
		o := operations[random.IntN(len(operations))]
		body := []byte(o.body)
		for range 1 + random.IntN(3) {
			if len(body) == 0 {
				body = []byte(`{}`)
			}
			switch i := random.IntN(len(body)); random.IntN(4) {
			case 0:
				body[i] = byte(random.IntN(256))
			case 1:
				body = append(body[:i], body[i+1:]...)
			case 2:
				body = append(body[:i:i], append([]byte{`"{}[]:,\0e-9`[random.IntN(12)]}, body[i:]...)...)
			default:
				body = append(body[:i:i], body[max(0, i-20):]...)
			}
		}
		method, path := o.method()
		path = strings.Replace(path, "%s", o.id, 1)
		r := p.do(t, method, path, string(body))
		if r.Code >= http.StatusInternalServerError || r.Body.Len() > 2_000 {
			t.Fatalf("seed %d: %s %s with %q: %d %s", seed, method, path, body, r.Code, r.Body)
		}
	}
}

// An import may be larger than other bodies, and has a limit of its own. No other operation takes a body of that size.
func TestAnImportMayBeLarge(t *testing.T) {
	body := func(size int) string { return `{"csv":"` + strings.Repeat("1,1\\n", size/5) + `"}` }
	for _, c := range []struct {
		path, body, key string
		status          int
	}{
		{"/api/productos/importacion", body(contracts.MaxImportBytes - 50), "", 200},
		{"/api/productos/importacion", body(contracts.MaxImportBytes - 50), "k", 200},
		{"/api/productos/importacion", body(contracts.MaxImportBytes + 50), "", 413},
		{"/api/productos/importacion", body(contracts.MaxImportBytes + 50), "k", 413},
		{"/api/productos/1/correccion", body(contracts.MaxRequestBody + 50), "", 413},
		{"/api/productos/1/correccion", body(contracts.MaxRequestBody + 50), "k", 413},
	} {
		p := newGate(t)
		var headers []string
		if c.key != "" {
			headers = []string{"Idempotency-Key", c.key}
		}
		if r := p.do(t, http.MethodPost, c.path, c.body, headers...); r.Code != c.status {
			t.Errorf("%s of %d bytes with key %q: %d %.200s, want %d", c.path, len(c.body), c.key, r.Code, r.Body, c.status)
		}
	}
}
