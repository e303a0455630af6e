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
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/recepcion"
	"entregas/services/gestor-compra/rest"
	"entregas/services/internal/arranque"
	comun "entregas/services/internal/rest"
	"entregas/services/internal/resttest"
)

type servicio struct {
	postgrestest.Almacen
	rutas *mux.Router
}

func nuevoServicio(t *testing.T) servicio {
	t.Helper()
	s := servicio{postgrestest.Nuevo(t), arranque.Config{}.Rutas(nil)}
	testigo := &postgrestest.Testigo{}
	rest.Servir(s.rutas, recepcion.Nueva(s, testigo, testigo, recepcion.Options{MaxOpen: 100, Admit: testigo.Avisar, Reconcile: testigo.Reconcile}), s)
	return s
}

func (s servicio) pedir(metodo, ruta, cuerpo string) *httptest.ResponseRecorder {
	respuesta := httptest.NewRecorder()
	peticion := httptest.NewRequest(metodo, ruta, strings.NewReader(cuerpo))
	peticion.Header.Set("Content-Type", "application/json")
	s.rutas.ServeHTTP(respuesta, peticion)
	return respuesta
}

// Every answer that is no success is a problem, which names the fields.
func campos(t *testing.T, r *httptest.ResponseRecorder) []string {
	t.Helper()
	if r.Code < http.StatusBadRequest {
		return nil
	}
	var p comun.Problema
	if err := json.Unmarshal(r.Body.Bytes(), &p); err != nil || p.Status != r.Code || p.Title == "" || p.Detail == "" || r.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("no es un problema: %d %s: %v", r.Code, r.Body, err)
	}
	var nombres []string
	for _, e := range p.Errores {
		nombres = append(nombres, e.Campo)
	}
	return nombres
}

func cuerpo(s contracts.SolicitudCompra) string {
	texto, _ := json.Marshal(s) // of a struct of strings and numbers
	return string(texto)
}

func TestCrear(t *testing.T) {
	s := nuevoServicio(t)
	enorme := `{"id":"` + strings.Repeat("a", contracts.MaxCuerpoPeticion) + `"}`
	for _, c := range []struct {
		nombre string
		cuerpo func(c contracts.SolicitudCompra) string
		estado int
		campos []string
	}{
		{"good", cuerpo, 202, nil},
		{"a product by number", func(c contracts.SolicitudCompra) string {
			return fmt.Sprintf(`{"id":%q,"id_usuario":"ana","productos":[{"id_producto":1,"cantidad":2}]}`, c.ID)
		}, 202, nil},
		{"no body", func(contracts.SolicitudCompra) string { return "" }, 400, nil},
		{"no JSON", func(contracts.SolicitudCompra) string { return "{" }, 400, nil},
		{"two of them", func(c contracts.SolicitudCompra) string { return cuerpo(c) + cuerpo(c) }, 400, nil},
		{"too much", func(contracts.SolicitudCompra) string { return enorme }, 413, nil},
		{"an unknown field", func(contracts.SolicitudCompra) string { return `{"usuario":"ana"}` }, 400, []string{"usuario"}},
		{"a field of another type", func(contracts.SolicitudCompra) string { return `{"id_usuario":7}` }, 400, []string{"id_usuario"}},
		{"a quantity that is no number", func(c contracts.SolicitudCompra) string {
			return fmt.Sprintf(`{"id":%q,"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":"dos"}]}`, c.ID)
		}, 400, []string{"productos[0].cantidad"}},
		{"no lines", func(c contracts.SolicitudCompra) string { c.Productos = nil; return cuerpo(c) }, 400, []string{"productos"}},
		{"no id", func(c contracts.SolicitudCompra) string { c.ID = ""; return cuerpo(c) }, 400, []string{"id"}},
		{"all of it wrong", func(contracts.SolicitudCompra) string { return `{"productos":[{}]}` }, 400,
			[]string{"id", "id_usuario", "productos[0].id_producto", "productos[0].cantidad"}},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			antes := postgrestest.Uno[int](t, s.Almacen, `select count(*) from compra`)
			r := s.pedir(http.MethodPost, "/compras", c.cuerpo(postgrestest.Solicitud()))
			if malos := campos(t, r); r.Code != c.estado || !slices.Equal(malos, c.campos) {
				t.Fatalf("%d %s", r.Code, r.Body)
			}
			if nuevas := postgrestest.Uno[int](t, s.Almacen, `select count(*) from compra`) - antes; (nuevas == 1) != (c.estado == 202) {
				t.Errorf("guardó %d", nuevas)
			}
		})
	}
}

func TestCrearOtraVez(t *testing.T) {
	s, c := nuevoServicio(t), postgrestest.Solicitud()
	otra := c
	otra.IDUsuario = "eva"
	for _, paso := range []struct {
		solicitud contracts.SolicitudCompra
		estado    int
	}{{c, 202}, {c, 202}, {otra, 409}} {
		r := s.pedir(http.MethodPost, "/compras", cuerpo(paso.solicitud))
		if r.Code != paso.estado {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
		if r.Code == http.StatusAccepted && r.Body.String() != fmt.Sprintf("{\"id\":%q,\"estado\":\"RECIBIDA\"}\n", c.ID) {
			t.Errorf("responde %s", r.Body)
		}
	}
}

func TestCancelar(t *testing.T) {
	s := nuevoServicio(t)
	for _, c := range []struct {
		nombre string
		estado contracts.Estado
		cuerpo string
		codigo int
		campos []string
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
		t.Run(c.nombre, func(t *testing.T) {
			id := s.unaCompra(t, c.estado)
			r := s.pedir(http.MethodPost, "/compras/"+id+"/cancelacion", c.cuerpo)
			if malos := campos(t, r); r.Code != c.codigo || !slices.Equal(malos, c.campos) {
				t.Fatalf("%d %s", r.Code, r.Body)
			}
			if c.codigo == http.StatusBadRequest && s.Estado(t, id) != c.estado {
				t.Error("la canceló")
			}
		})
	}
	if r := s.pedir(http.MethodPost, "/compras/una/cancelacion", ""); r.Code != 400 || !slices.Equal(campos(t, r), []string{"id"}) {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

func (s servicio) unaCompra(t *testing.T, estado contracts.Estado) string {
	if estado == "" {
		return postgrestest.Solicitud().ID
	}
	return s.Compra(t, estado).ID
}

func TestAprobar(t *testing.T) {
	s := nuevoServicio(t)
	for _, c := range []struct {
		nombre string
		estado contracts.Estado
		cuerpo string
		codigo int
		campos []string
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
		t.Run(c.nombre, func(t *testing.T) {
			id := s.unaCompra(t, c.estado)
			r := s.pedir(http.MethodPost, "/compras/"+id+"/aprobacion", c.cuerpo)
			if malos := campos(t, r); r.Code != c.codigo || !slices.Equal(malos, c.campos) {
				t.Fatalf("%d %s", r.Code, r.Body)
			}
			decididas := postgrestest.Uno[int](t, s.Almacen, `select count(*) from decision where id_compra = $1`, id)
			if (decididas == 1) != (c.codigo == 200) {
				t.Errorf("hay %d decisiones", decididas)
			}
			if c.codigo == 200 { // the same again is answered alike; anything else is refused
				if r := s.pedir(http.MethodPost, "/compras/"+id+"/aprobacion", c.cuerpo); r.Code != 200 {
					t.Errorf("otra vez: %d %s", r.Code, r.Body)
				}
				for _, otra := range []string{`{"aprobada":true,"motivo":"x"}`, `{"aprobada":false,"motivo":"x"}`} {
					if r := s.pedir(http.MethodPost, "/compras/"+id+"/aprobacion", otra); r.Code != 409 {
						t.Errorf("otra vez, %s: %d %s", otra, r.Code, r.Body)
					}
				}
			}
		})
	}
}

func TestLeer(t *testing.T) {
	s := nuevoServicio(t)
	c := s.Compra(t, contracts.EstadoConfirmada)
	r := s.pedir(http.MethodGet, "/compras/"+c.ID, "")
	var vista contracts.Compra
	if err := json.Unmarshal(r.Body.Bytes(), &vista); err != nil || r.Code != 200 || vista.ID != c.ID || len(vista.Historia) != 1 || vista.Historia[0].Detalle == "" {
		t.Errorf("%d %s: %v", r.Code, r.Body, err)
	}
	for _, id := range []string{postgrestest.Solicitud().ID, "nada"} {
		if r := s.pedir(http.MethodGet, "/compras/"+id, ""); r.Code != 404 {
			t.Errorf("%d %s", r.Code, r.Body)
		}
		campos(t, r)
	}
}

// What a person wrote is kept as it was written; an empty body of unknown length is no reason.
func TestReasonsAreKeptAsWritten(t *testing.T) {
	s := nuevoServicio(t)
	for _, reason := range []string{"Ya no.\n\tGracias\u00a0👩\u200d👧", "uno\r\ndos", "❤\ufe0f \U0001fadf", "cafe\u0301"} {
		c := s.Compra(t, contracts.EstadoRecibida)
		body, err := json.Marshal(map[string]string{"motivo": reason})
		if err != nil {
			t.Fatal(err)
		}
		if r := s.pedir(http.MethodPost, "/compras/"+c.ID+"/cancelacion", string(body)); r.Code != http.StatusOK {
			t.Fatalf("%q: %d %s", reason, r.Code, r.Body)
		}
		var told contracts.Compra
		if err := json.Unmarshal(s.pedir(http.MethodGet, "/compras/"+c.ID, "").Body.Bytes(), &told); err != nil || told.Motivo != reason || told.Historia[len(told.Historia)-1].Detalle != reason {
			t.Errorf("%q came back as %q, %v", reason, told.Motivo, err)
		}
	}
	c := s.Compra(t, contracts.EstadoRecibida)
	request := httptest.NewRequest(http.MethodPost, "/compras/"+c.ID+"/cancelacion", http.NoBody)
	request.Body, request.ContentLength = io.NopCloser(strings.NewReader("")), -1
	w := httptest.NewRecorder()
	if s.rutas.ServeHTTP(w, request); w.Code != http.StatusOK {
		t.Errorf("an empty chunked body: %d %s", w.Code, w.Body)
	}
}

// list gives the ids of a page and how to ask for the next: in the body, or for the earlier system's list in the Link header.
func (s servicio) list(t *testing.T, path string) (ids []string, next string, size int) {
	t.Helper()
	r := s.pedir(http.MethodGet, path, "")
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
func TestListar(t *testing.T) {
	s := nuevoServicio(t)
	const usuario = "ana & eva/ñ"
	var want []string
	for range 5 {
		c := s.Compra(t, contracts.EstadoConfirmada)
		s.Hacer(t, `update compra set id_usuario = $2 where id = $1`, c.ID, usuario)
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
		if r := s.pedir(http.MethodGet, path, ""); r.Code != 200 || strings.TrimSpace(r.Body.String()) != want {
			t.Errorf("%s: %d %s", path, r.Code, r.Body)
		}
	}
	for query, field := range map[string]string{"limite=0": "limite", "limite=201": "limite", "limite=dos": "limite", "despues=ayer": "despues", "despues=ayer_x": "despues",
		"despues=2026-01-02T03:04:05Z_%00": "despues", "despues=2026-01-02T03:04:05Z_%ff": "despues", "despues=%00": "despues",
		"despues=2026-01-02T03:04:05Z_01938f5e-7c1a-7000-8000-000000000001%00": "despues", "limite=1&limite=2": "limite"} {
		for _, path := range []string{"/usuarios/ana/compras?", "/compras?"} {
			if r := s.pedir(http.MethodGet, path+query, ""); r.Code != 400 || !slices.Equal(campos(t, r), []string{field}) {
				t.Errorf("%s%s: %d %s", path, query, r.Code, r.Body)
			}
		}
	}
	if r := s.pedir(http.MethodGet, "/compras?id_usuario=", ""); r.Code != 400 || !slices.Equal(campos(t, r), []string{"id_usuario"}) {
		t.Errorf("a customer without a name has the purchases of everybody: %d %s", r.Code, r.Body)
	}
}

// What was asked for is in the Link header as it was read, once and bounded, and never as it was written.
func TestLinkRepeatsNothing(t *testing.T) {
	s := nuevoServicio(t)
	largest := strings.Repeat("\U0001F999", contracts.MaxIdentificador)
	for range 2 {
		s.Hacer(t, `update compra set id_usuario = $2 where id = $1`, s.Compra(t, contracts.EstadoConfirmada).ID, largest)
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
	if r := s.pedir(http.MethodGet, "/compras?id_usuario=a%00b", ""); r.Code != http.StatusBadRequest {
		t.Errorf("a customer's id with NUL: %d %s", r.Code, r.Body)
	}
}

// A page ends where its bytes do, whatever its purchases hold, and the list goes on from there.
func TestPageIsBoundedInBytes(t *testing.T) {
	s := nuevoServicio(t)
	large := postgrestest.Solicitud().Productos[:0]
	for i := range contracts.MaxLineas {
		large = append(large, contracts.Linea{IDProducto: fmt.Sprintf("%s%02d", strings.Repeat("<", 60), i), Cantidad: contracts.MaxCantidad})
	}
	const n = 60 // of 40 KB each
	for range n {
		c := postgrestest.Solicitud()
		c.Productos = large
		if _, _, err := s.Aceptar(t.Context(), c, postgrestest.Abiertas); err != nil {
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

// What operators look at: everybody's purchases by what they are, the numbers of now, the saga's messages; and what they do.
func TestOperacion(t *testing.T) {
	s := nuevoServicio(t)
	fallida, confirmada := s.Compra(t, contracts.EstadoFallida), s.Compra(t, contracts.EstadoConfirmada)
	for _, c := range []struct {
		metodo, ruta string
		estado       int
		dice, campo  string
	}{
		{http.MethodGet, "/compras", 200, confirmada.ID, ""},
		{http.MethodGet, "/compras?estado=FALLIDA&estado=RECIBIDA&domicilio=false&id_usuario=ana", 200, fallida.ID, ""},
		{http.MethodGet, "/compras?domicilio=true", 200, "[]", ""},
		{http.MethodGet, "/compras?estado=NADA", 400, "", "estado"},
		{http.MethodGet, "/compras?domicilio=quizas", 400, "", "domicilio"},
		{http.MethodGet, "/compras?id_usuario=a%00", 400, "", "id_usuario"},
		{http.MethodGet, "/usuarios/a%ff/compras", 400, "", "id_usuario"},
		{http.MethodGet, "/compras/" + fallida.ID + "/mensajes", 200, "[]", ""},
		{http.MethodGet, "/compras/" + postgrestest.Solicitud().ID + "/mensajes", 404, "", ""},
		{http.MethodGet, "/resumen", 200, `"ventana_s":300`, ""},
		{http.MethodGet, "/resumen?segundos=60", 200, `"FALLIDA":1`, ""},
		{http.MethodGet, "/resumen?segundos=0", 400, "", "segundos"},
		{http.MethodPost, "/compras/" + confirmada.ID + "/reintento", 409, "", ""},
		{http.MethodPost, "/compras/" + fallida.ID + "/reintento", 202, `"COMPENSANDO"`, ""},
		{http.MethodPost, "/compras/nada/reintento", 400, "", "id"},
	} {
		r := s.pedir(c.metodo, c.ruta, "")
		if r.Code != c.estado || !strings.Contains(r.Body.String(), c.dice) {
			t.Errorf("%s %s: %d %s", c.metodo, c.ruta, r.Code, r.Body)
			continue
		}
		if malos := campos(t, r); c.campo != "" && !slices.Equal(malos, []string{c.campo}) {
			t.Errorf("%s: %v", c.ruta, malos)
		}
	}
}

func TestServesItsDocument(t *testing.T) {
	routes := mux.NewRouter()
	rest.Servir(routes, nil, nil)
	resttest.Serves(t, routes, "gestor-compra")
}
