package rest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/internal/app"
	common "entregas/internal/rest"
	"entregas/internal/resttest"
	"entregas/services/gestor-compra/intake"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/rest"
)

type service struct {
	postgrestest.Store
	routes *mux.Router
}

func newService(t *testing.T) service {
	t.Helper()
	s := service{postgrestest.New(t), app.Config{}.Routes(nil)}
	witness := &postgrestest.Witness{}
	rest.ServeRoutes(s.routes, intake.New(s, witness, witness, intake.Options{MaxOpen: 100, Admit: witness.Notify, Reconcile: witness.Reconcile}), s)
	return s
}

func (s service) ask(method, path, body string) *httptest.ResponseRecorder {
	response := httptest.NewRecorder()
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	s.routes.ServeHTTP(response, request)
	return response
}

// fields returns the fields that the problem in r names. Every answer with an error status must be a problem.
func fields(t *testing.T, r *httptest.ResponseRecorder) []string {
	t.Helper()
	if r.Code < http.StatusBadRequest {
		return nil
	}
	var p common.Problem
	if err := json.Unmarshal(r.Body.Bytes(), &p); err != nil || p.Status != r.Code || p.Title == "" || p.Detail == "" || r.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("no problem: %d %s: %v", r.Code, r.Body, err)
	}
	var names []string
	for _, e := range p.Errores {
		names = append(names, e.Field)
	}
	return names
}

func body(s contracts.SolicitudCompra) string {
	text, _ := json.Marshal(s) // a struct of strings and numbers always has JSON
	return string(text)
}

func TestCreateByREST(t *testing.T) {
	s := newService(t)
	huge := `{"id":"` + strings.Repeat("a", contracts.MaxRequestBody) + `"}`
	for _, c := range []struct {
		name   string
		body   func(c contracts.SolicitudCompra) string
		estado int
		fields []string
	}{
		{"good", body, 202, nil},
		{"a product by number", func(c contracts.SolicitudCompra) string {
			return fmt.Sprintf(`{"id":%q,"id_usuario":"ana","productos":[{"id_producto":1,"cantidad":2}]}`, c.ID)
		}, 202, nil},
		{"no body", func(contracts.SolicitudCompra) string { return "" }, 400, nil},
		{"no JSON", func(contracts.SolicitudCompra) string { return "{" }, 400, nil},
		{"two of them", func(c contracts.SolicitudCompra) string { return body(c) + body(c) }, 400, nil},
		{"too much", func(contracts.SolicitudCompra) string { return huge }, 413, nil},
		{"an unknown field", func(contracts.SolicitudCompra) string { return `{"usuario":"ana"}` }, 400, []string{"usuario"}},
		{"a field of another type", func(contracts.SolicitudCompra) string { return `{"id_usuario":7}` }, 400, []string{"id_usuario"}},
		{"a quantity that is no number", func(c contracts.SolicitudCompra) string {
			return fmt.Sprintf(`{"id":%q,"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":"dos"}]}`, c.ID)
		}, 400, []string{"productos[0].cantidad"}},
		{"no lines", func(c contracts.SolicitudCompra) string { c.Productos = nil; return body(c) }, 400, []string{"productos"}},
		{"no id", func(c contracts.SolicitudCompra) string { c.ID = ""; return body(c) }, 400, []string{"id"}},
		{"all of it wrong", func(contracts.SolicitudCompra) string { return `{"productos":[{}]}` }, 400,
			[]string{"id", "id_usuario", "productos[0].id_producto", "productos[0].cantidad"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			earlier := postgrestest.One[int](t, s.Store, `select count(*) from compra`)
			r := s.ask(http.MethodPost, "/compras", c.body(postgrestest.NewSolicitud()))
			if badOnes := fields(t, r); r.Code != c.estado || !slices.Equal(badOnes, c.fields) {
				t.Fatalf("%d %s", r.Code, r.Body)
			}
			if fresh := postgrestest.One[int](t, s.Store, `select count(*) from compra`) - earlier; (fresh == 1) != (c.estado == 202) {
				t.Errorf("stored %d", fresh)
			}
		})
	}
}

func TestCreateAgain(t *testing.T) {
	s, c := newService(t), postgrestest.NewSolicitud()
	other := c
	other.IDUsuario = "eva"
	for _, step := range []struct {
		solicitud contracts.SolicitudCompra
		estado    int
	}{{c, 202}, {c, 202}, {other, 409}} {
		r := s.ask(http.MethodPost, "/compras", body(step.solicitud))
		if r.Code != step.estado {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
		codigo := postgrestest.One[string](t, s.Store, `select codigo from compra where id = $1`, c.ID)
		if r.Code == http.StatusAccepted && r.Body.String() != fmt.Sprintf("{\"id\":%q,\"codigo\":%q,\"estado\":\"RECIBIDA\"}\n", c.ID, codigo) {
			t.Errorf("it answers %s", r.Body)
		}
	}
}

func TestCancelarByREST(t *testing.T) {
	s := newService(t)
	for _, c := range []struct {
		name   string
		estado contracts.Estado
		body   string
		code   int
		fields []string
	}{
		{"not begun", contracts.EstadoRecibida, `{"motivo":"ya no"}`, 200, nil},
		{"without a body", contracts.EstadoRecibida, "", 200, nil},
		{"running", contracts.EstadoIniciada, "", 202, nil},
		{"awaiting approval", contracts.EstadoPorAprobar, "", 202, nil},
		{"confirmed", contracts.EstadoConfirmada, "", 202, nil},
		{"on its way", contracts.EstadoCompensando, "", 200, nil},
		{"cancelled", contracts.EstadoCancelada, "", 200, nil},
		{"rejected", contracts.EstadoRechazada, "", 409, nil},
		{"dispatched", contracts.EstadoDespachada, "", 409, nil},
		{"failed", contracts.EstadoFallida, "", 409, nil},
		{"not there", "", "", 404, nil},
		{"no reason", contracts.EstadoRecibida, `{"motivo":7}`, 400, []string{"motivo"}},
		{"too long a reason", contracts.EstadoRecibida, fmt.Sprintf(`{"motivo":%q}`, strings.Repeat("a", 501)), 400, []string{"motivo"}},
		{"no JSON", contracts.EstadoRecibida, `ya no`, 400, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := s.oneCompra(t, c.estado)
			r := s.ask(http.MethodPost, "/compras/"+id+"/cancelacion", c.body)
			if badOnes := fields(t, r); r.Code != c.code || !slices.Equal(badOnes, c.fields) {
				t.Fatalf("%d %s", r.Code, r.Body)
			}
			if c.code == http.StatusBadRequest && s.Estado(t, id) != c.estado {
				t.Error("it was cancelled")
			}
		})
	}
	if r := s.ask(http.MethodPost, "/compras/una/cancelacion", ""); r.Code != 400 || !slices.Equal(fields(t, r), []string{"id"}) {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

func (s service) oneCompra(t *testing.T, estado contracts.Estado) string {
	if estado == "" {
		return postgrestest.NewSolicitud().ID
	}
	return s.Compra(t, estado).ID
}

func TestAprobarByREST(t *testing.T) {
	s := newService(t)
	for _, c := range []struct {
		name   string
		estado contracts.Estado
		body   string
		code   int
		fields []string
	}{
		{"approved", contracts.EstadoPorAprobar, `{"aprobada":true}`, 200, nil},
		{"rejected", contracts.EstadoPorAprobar, `{"aprobada":false,"motivo":"es demasiado"}`, 200, nil},
		{"it awaits none", contracts.EstadoConfirmada, `{"aprobada":true}`, 409, nil},
		{"not there", "", `{"aprobada":true}`, 404, nil},
		{"neither", contracts.EstadoPorAprobar, `{}`, 400, []string{"aprobada"}},
		{"no yes or no", contracts.EstadoPorAprobar, `{"aprobada":"sí"}`, 400, []string{"aprobada"}},
		{"no body", contracts.EstadoPorAprobar, ``, 400, nil},
		{"too long a reason", contracts.EstadoPorAprobar, fmt.Sprintf(`{"aprobada":true,"motivo":%q}`, strings.Repeat("a", 501)), 400, []string{"motivo"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := s.oneCompra(t, c.estado)
			r := s.ask(http.MethodPost, "/compras/"+id+"/aprobacion", c.body)
			if badOnes := fields(t, r); r.Code != c.code || !slices.Equal(badOnes, c.fields) {
				t.Fatalf("%d %s", r.Code, r.Body)
			}
			decided := postgrestest.One[int](t, s.Store, `select count(*) from decision where id_compra = $1`, id)
			if (decided == 1) != (c.code == 200) {
				t.Errorf("there are %d decisions", decided)
			}
			if c.code == 200 { // the same request again gets the same answer; another request is refused
				if r := s.ask(http.MethodPost, "/compras/"+id+"/aprobacion", c.body); r.Code != 200 {
					t.Errorf("again: %d %s", r.Code, r.Body)
				}
				for _, other := range []string{`{"aprobada":true,"motivo":"x"}`, `{"aprobada":false,"motivo":"x"}`} {
					if r := s.ask(http.MethodPost, "/compras/"+id+"/aprobacion", other); r.Code != 409 {
						t.Errorf("again, %s: %d %s", other, r.Code, r.Body)
					}
				}
			}
		})
	}
}

func TestLoadCompra(t *testing.T) {
	s := newService(t)
	c := s.Compra(t, contracts.EstadoConfirmada)
	r := s.ask(http.MethodGet, "/compras/"+c.ID, "")
	var view contracts.Compra
	if err := json.Unmarshal(r.Body.Bytes(), &view); err != nil || r.Code != 200 || view.ID != c.ID || len(view.Historia) != 1 || view.Historia[0].Detalle == "" {
		t.Errorf("%d %s: %v", r.Code, r.Body, err)
	}
	var of contracts.CompraDeCodigo
	if err := json.Unmarshal(s.ask(http.MethodGet, "/codigos/"+view.Codigo, "").Body.Bytes(), &of); err != nil || of.ID != c.ID || of.IDUsuario != c.IDUsuario {
		t.Errorf("%s is of %+v: %v", view.Codigo, of, err)
	}
	for code, status := range map[string]int{contracts.NewCodigo(): 404, "nada": 400, "0000-0000": 400, "0000000O": 400, "%00": 400} {
		if r := s.ask(http.MethodGet, "/codigos/"+code, ""); r.Code != status {
			t.Errorf("%s: %d %s", code, r.Code, r.Body)
		}
	}
	for _, id := range []string{postgrestest.NewSolicitud().ID, "nada"} {
		if r := s.ask(http.MethodGet, "/compras/"+id, ""); r.Code != 404 {
			t.Errorf("%d %s", r.Code, r.Body)
		}
		fields(t, r)
	}
}

// A reason is stored exactly as the person wrote it. An empty body of unknown length means no reason.
func TestReasonsAreKeptAsWritten(t *testing.T) {
	s := newService(t)
	for _, reason := range []string{"Ya no.\n\tGracias\u00a0👩\u200d👧", "uno\r\ndos", "❤\ufe0f \U0001fadf", "cafe\u0301"} {
		c := s.Compra(t, contracts.EstadoRecibida)
		body, err := json.Marshal(map[string]string{"motivo": reason})
		if err != nil {
			t.Fatal(err)
		}
		if r := s.ask(http.MethodPost, "/compras/"+c.ID+"/cancelacion", string(body)); r.Code != http.StatusOK {
			t.Fatalf("%q: %d %s", reason, r.Code, r.Body)
		}
		var told contracts.Compra
		if err := json.Unmarshal(s.ask(http.MethodGet, "/compras/"+c.ID, "").Body.Bytes(), &told); err != nil || told.Motivo != reason || told.Historia[len(told.Historia)-1].Detalle != reason {
			t.Errorf("%q came back as %q, %v", reason, told.Motivo, err)
		}
	}
	c := s.Compra(t, contracts.EstadoRecibida)
	request := httptest.NewRequest(http.MethodPost, "/compras/"+c.ID+"/cancelacion", http.NoBody)
	request.Body, request.ContentLength = io.NopCloser(strings.NewReader("")), -1
	w := httptest.NewRecorder()
	if s.routes.ServeHTTP(w, request); w.Code != http.StatusOK {
		t.Errorf("an empty chunked body: %d %s", w.Code, w.Body)
	}
}

// list returns the ids of a page and the position of the next page. The next page is in the body, or in the Link header for
// the list of the earlier system.
func (s service) list(t *testing.T, path string) (ids []string, next string, size int) {
	t.Helper()
	r := s.ask(http.MethodGet, path, "")
	var page contracts.PaginaDeCompras
	var err error
	if strings.HasPrefix(path, "/usuarios/") {
		err = json.Unmarshal(r.Body.Bytes(), &page.Compras)
		next = strings.TrimPrefix(strings.Split(r.Header().Get("Link"), ">")[0], "<")
	} else {
		err = json.Unmarshal(r.Body.Bytes(), &page)
		if page.Siguiente != "" {
			next = strings.Split(path, "&despues=")[0] + "&despues=" + url.QueryEscape(page.Siguiente)
		}
		if r.Header().Get("Link") != "" {
			t.Errorf("%s has a Link header", path)
		}
	}
	if err != nil || r.Code != http.StatusOK || page.Compras == nil {
		t.Fatalf("%.100s: %d %.300s: %v", path, r.Code, r.Body, err)
	}
	for _, c := range page.Compras {
		ids = append(ids, c.ID)
	}
	return ids, next, r.Body.Len()
}

// Both lists of a customer's purchases have all of them, page by page, newest first.
func TestList(t *testing.T) {
	s := newService(t)
	const usuario = "ana & eva/ñ"
	var want []string
	for range 5 {
		c := s.Compra(t, contracts.EstadoConfirmada)
		s.Do(t, `update compra set id_usuario = $2 where id = $1`, c.ID, usuario)
		want = append([]string{c.ID}, want...)
	}
	for _, path := range []string{"/usuarios/" + url.PathEscape(usuario) + "/compras?limite=2", "/compras?limite=2&id_usuario=" + url.QueryEscape(usuario)} {
		var seen []string
		for pages := 0; path != ""; pages++ {
			ids, next, _ := s.list(t, path)
			if len(ids) > 2 || pages > 3 {
				t.Fatalf("%s: page %d has %d purchases", path, pages, len(ids))
			}
			seen, path = append(seen, ids...), next
		}
		if !slices.Equal(seen, want) {
			t.Errorf("listed %v\nwant %v", seen, want)
		}
	}
	for path, want := range map[string]string{"/usuarios/nadie/compras": `[]`, "/compras?id_usuario=nadie": `{"compras":[]}`} {
		if r := s.ask(http.MethodGet, path, ""); r.Code != 200 || strings.TrimSpace(r.Body.String()) != want {
			t.Errorf("%s: %d %s", path, r.Code, r.Body)
		}
	}
	for query, field := range map[string]string{"limite=0": "limite", "limite=201": "limite", "limite=dos": "limite", "despues=ayer": "despues", "despues=ayer_x": "despues",
		"despues=2026-01-02T03:04:05Z_%00": "despues", "despues=2026-01-02T03:04:05Z_%ff": "despues", "despues=%00": "despues",
		"despues=2026-01-02T03:04:05Z_01938f5e-7c1a-7000-8000-000000000001%00": "despues", "limite=1&limite=2": "limite"} {
		for _, path := range []string{"/usuarios/ana/compras?", "/compras?"} {
			if r := s.ask(http.MethodGet, path+query, ""); r.Code != 400 || !slices.Equal(fields(t, r), []string{field}) {
				t.Errorf("%s%s: %d %s", path, query, r.Code, r.Body)
			}
		}
	}
	if r := s.ask(http.MethodGet, "/compras?id_usuario=", ""); r.Code != 400 || !slices.Equal(fields(t, r), []string{"id_usuario"}) {
		t.Errorf("a customer without a name has the purchases of everybody: %d %s", r.Code, r.Body)
	}
}

// The Link header has the parsed query: each value once, and of bounded length. It never repeats the raw query of the client.
func TestLinkRepeatsNothing(t *testing.T) {
	s := newService(t)
	largest := strings.Repeat("\U0001F999", contracts.MaxIdentifier)
	for range 2 {
		s.Do(t, `update compra set id_usuario = $2 where id = $1`, s.Compra(t, contracts.EstadoConfirmada).ID, largest)
	}
	all := url.Values{"domicilio": {"false"}, "utm": {strings.Repeat("x", 10_000)}}
	for range 300 {
		all.Add("estado", "CONFIRMADA")
	}
	for _, e := range contracts.Estados {
		all.Add("estado", string(e))
	}
	path := "/usuarios/" + url.PathEscape(largest) + "/compras?"
	for query, want := range map[string]int{
		"limite=1":                 0,
		"limite=1&" + all.Encode(): len(contracts.Estados),
		"limite=01&" + strings.Repeat("estado=CONFIRMADA&", 300) + "a=%0d%0a": 1,
	} {
		_, link, _ := s.list(t, path+query)
		u, err := url.Parse(link)
		if err != nil || link == "" || len(link) > 2<<10 {
			t.Errorf("%.60s: a Link of %d bytes, %v", query, len(link), err)
			continue
		}
		q := u.Query()
		if q.Has("utm") || q.Has("a") || q.Get("limite") != "1" || len(q["estado"]) != want {
			t.Errorf("%.60s: %s", query, link)
		}
		if ids, _, _ := s.list(t, link); len(ids) != 1 {
			t.Errorf("%.60s: the next page has %v", query, ids)
		}
	}
	if r := s.ask(http.MethodGet, "/compras?id_usuario=a%00b", ""); r.Code != http.StatusBadRequest {
		t.Errorf("a customer's id with NUL: %d %s", r.Code, r.Body)
	}
}

// A page ends when its bytes reach the limit, whatever its purchases contain. The next page continues the list.
func TestPageIsBoundedInBytes(t *testing.T) {
	s := newService(t)
	large := postgrestest.NewSolicitud().Productos[:0]
	for i := range contracts.MaxLineas {
		large = append(large, contracts.Linea{IDProducto: fmt.Sprintf("%s%02d", strings.Repeat("<", 60), i), Cantidad: contracts.MaxCantidad})
	}
	const n = 60 // purchases of 40 KB each
	for range n {
		c := postgrestest.NewSolicitud()
		c.Productos = large
		if _, _, err := s.Accept(t.Context(), c, postgrestest.OpenLimit); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/usuarios/ana/compras?limite=100", "/compras?limite=100"} {
		seen := map[string]bool{}
		for pages := 0; path != ""; pages++ {
			ids, next, size := s.list(t, path)
			if len(ids) == 0 || size > 1<<20 || pages > 4 {
				t.Fatalf("%s: page %d has %d purchases, %d bytes", path, pages, len(ids), size)
			}
			for _, id := range ids {
				seen[id] = true
			}
			path = next
		}
		if len(seen) != n {
			t.Errorf("%d of %d purchases", len(seen), n)
		}
	}
}

// The operations for operators: the list of all purchases with filters, the summary, the messages of a saga, and the retry.
func TestOperationOfTheManager(t *testing.T) {
	s := newService(t)
	failed, confirmed := s.Compra(t, contracts.EstadoFallida), s.Compra(t, contracts.EstadoConfirmada)
	waiting := s.Compra(t, contracts.EstadoPorAprobar)
	for _, c := range []struct {
		method, path string
		estado       int
		says, field  string
	}{
		{http.MethodGet, "/compras", 200, confirmed.ID, ""},
		{http.MethodGet, "/compras?estado=FALLIDA&estado=RECIBIDA&domicilio=false&id_usuario=ana", 200, failed.ID, ""},
		{http.MethodGet, "/compras?domicilio=true", 200, "[]", ""},
		{http.MethodGet, "/compras?estado=NADA", 400, "", "estado"},
		{http.MethodGet, "/compras?domicilio=quizas", 400, "", "domicilio"},
		{http.MethodGet, "/compras?id_usuario=a%00", 400, "", "id_usuario"},
		{http.MethodGet, "/usuarios/a%ff/compras", 400, "", "id_usuario"},
		{http.MethodGet, "/compras/" + failed.ID + "/mensajes", 200, "[]", ""},
		{http.MethodGet, "/compras/" + postgrestest.NewSolicitud().ID + "/mensajes", 404, "", ""},
		{http.MethodGet, "/compras/por-aprobar?limite=1", 200, `"compra":{"id":"` + waiting.ID, ""},
		{http.MethodGet, "/compras/por-aprobar", 200, `"vence_en":"`, ""},
		{http.MethodGet, "/compras/por-aprobar?limite=0", 400, "", "limite"},
		{http.MethodGet, "/compras/por-aprobar?limite=1&limite=2", 400, "", "limite"},
		{http.MethodGet, "/compras/por-aprobar?despues=ayer%00", 400, "", "despues"},
		{http.MethodGet, "/compras/pendientes", 200, `{"por_aprobar":1,"fallidas":1}`, ""},
		{http.MethodGet, "/resumen", 200, `"ventana_s":300`, ""},
		{http.MethodGet, "/resumen?segundos=60", 200, `"FALLIDA":1`, ""},
		{http.MethodGet, "/resumen?segundos=0", 400, "", "segundos"},
		{http.MethodPost, "/compras/" + confirmed.ID + "/reintento", 409, "", ""},
		{http.MethodPost, "/compras/" + failed.ID + "/reintento", 202, `"COMPENSANDO"`, ""},
		{http.MethodPost, "/compras/nada/reintento", 400, "", "id"},
	} {
		r := s.ask(c.method, c.path, "")
		if r.Code != c.estado || !strings.Contains(r.Body.String(), c.says) {
			t.Errorf("%s %s: %d %s", c.method, c.path, r.Code, r.Body)
			continue
		}
		if badOnes := fields(t, r); c.field != "" && !slices.Equal(badOnes, []string{c.field}) {
			t.Errorf("%s: %v", c.path, badOnes)
		}
	}
}

func TestServesItsDocument(t *testing.T) {
	routes := mux.NewRouter()
	rest.ServeRoutes(routes, nil, nil)
	resttest.Serves(t, routes, "gestor-compra")
}
