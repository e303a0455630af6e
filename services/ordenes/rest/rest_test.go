package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"entregas/contracts"
	api "entregas/services/internal/api/ordenes"
	"entregas/services/internal/arranque"
	"entregas/services/internal/basetest"
	"entregas/services/internal/inbox"
	comun "entregas/services/internal/rest"
	"entregas/services/internal/resttest"
	"entregas/services/ordenes/ordenes"
	"entregas/services/ordenes/postgres"
	"entregas/services/ordenes/rest"
)

// servicio is ordenes without its messages; the events that it published are in avisos.
type servicio struct {
	rutas   *mux.Router
	almacen *postgres.Almacen
	avisos  []contracts.DatosEventoOrden
	falla   error
}

func nuevo(t *testing.T) *servicio {
	s := &servicio{rutas: arranque.Config{}.Rutas(nil), almacen: postgres.Nuevo(basetest.Nueva(t, postgres.Migraciones), 100)}
	rest.Servir(s.rutas, s.almacen, func(_ context.Context, _ contracts.Tipo, data contracts.DatosEventoOrden) error {
		if s.falla == nil {
			s.avisos = append(s.avisos, data)
		}
		return s.falla
	})
	return s
}

func (s *servicio) crear(t *testing.T, idCompra string) (idOrden string) {
	t.Helper()
	datos := contracts.DatosComandoOrden{IDCompra: idCompra, IDUsuario: "ana maría", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}}}
	c, err := inbox.DeMensaje(contracts.NuevoMensaje("prueba", contracts.CrearOrden, "", datos), idCompra)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.almacen.Crear(t.Context(), c, datos)
	if err != nil {
		t.Fatal(err)
	}
	return r.Data.IDOrden
}

func (s *servicio) cancelar(t *testing.T, idCompra string) {
	t.Helper()
	c, err := inbox.DeMensaje(contracts.NuevoMensaje("prueba", contracts.CancelarOrden, "", contracts.DatosComandoOrden{IDCompra: idCompra}), idCompra)
	if err == nil {
		_, err = s.almacen.Cancelar(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func pedir[T any](t *testing.T, s *servicio, metodo, ruta string) (*httptest.ResponseRecorder, T) {
	t.Helper()
	w := httptest.NewRecorder()
	s.rutas.ServeHTTP(w, httptest.NewRequest(metodo, ruta, http.NoBody))
	var v T
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return w, v
}

func TestVerYDespachar(t *testing.T) {
	s, c := nuevo(t), uuid.NewString()
	id := s.crear(t, c)
	if w, o := pedir[ordenes.Orden](t, s, "GET", "/ordenes/"+id); w.Code != 200 || o.ID != id || o.IDCompra != c || o.Estado != contracts.EstadoOrdenCreada {
		t.Fatalf("%d %+v", w.Code, o)
	}
	for range 2 {
		if w, o := pedir[ordenes.Orden](t, s, "POST", "/ordenes/"+id+"/despacho"); w.Code != 200 || o.Estado != contracts.EstadoOrdenDespachada {
			t.Fatalf("%d %+v", w.Code, o)
		}
	}
	if len(s.avisos) != 1 || s.avisos[0] != (contracts.DatosEventoOrden{IDCompra: c, IDOrden: id}) {
		t.Errorf("avisos: %+v", s.avisos)
	}
}

// That the broker is down is no reason to say that the order was not dispatched: it was.
func TestDespacharSinBroker(t *testing.T) {
	s := nuevo(t)
	id := s.crear(t, uuid.NewString())
	s.falla = errors.New("sin broker")
	if w, o := pedir[ordenes.Orden](t, s, "POST", "/ordenes/"+id+"/despacho"); w.Code != 200 || o.Estado != contracts.EstadoOrdenDespachada {
		t.Fatalf("%d %+v", w.Code, o)
	}
	s.falla = nil
	if w, _ := pedir[ordenes.Orden](t, s, "POST", "/ordenes/"+id+"/despacho"); w.Code != 200 || len(s.avisos) != 1 {
		t.Errorf("%d, avisos %v", w.Code, s.avisos)
	}
}

func TestLaListaSePagina(t *testing.T) {
	s := nuevo(t)
	for range 3 {
		s.crear(t, uuid.NewString())
	}
	const path = "/usuarios/ana%20mar%C3%ADa/ordenes"
	w, all := pedir[api.PaginaDeOrdenes](t, s, "GET", path)
	if w.Code != 200 || len(all.Ordenes) != 3 || all.Siguiente != "" {
		t.Fatalf("%d %+v", w.Code, all)
	}
	seen := 0
	for cursor, more := "", true; more; {
		_, page := pedir[api.PaginaDeOrdenes](t, s, "GET", path+"?limite=2"+cursor)
		for _, o := range page.Ordenes {
			if o.ID != all.Ordenes[seen].ID {
				t.Fatalf("%s after %q, want %s", o.ID, cursor, all.Ordenes[seen].ID)
			}
			seen++
		}
		cursor, more = "&despues="+page.Siguiente, page.Siguiente != ""
	}
	if seen != 3 {
		t.Errorf("%d orders", seen)
	}
	if w, nobody := pedir[api.PaginaDeOrdenes](t, s, "GET", "/usuarios/nadie/ordenes"); w.Code != 200 || nobody.Ordenes == nil || len(nobody.Ordenes) != 0 {
		t.Errorf("%d %+v", w.Code, nobody)
	}
}

func TestPeticionesQueNoSePueden(t *testing.T) {
	s, c := nuevo(t), uuid.NewString()
	cancelada := s.crear(t, c)
	s.cancelar(t, c)
	for nombre, c := range map[string]struct {
		metodo, ruta string
		estado       int
		campo        string
	}{
		"unknown order":                {"GET", "/ordenes/" + uuid.NewString(), 404, ""},
		"not an order's id":            {"GET", "/ordenes/1", 400, "id"},
		"dispatch of an unknown":       {"POST", "/ordenes/" + uuid.NewString() + "/despacho", 404, ""},
		"dispatch of not an id":        {"POST", "/ordenes/x/despacho", 400, "id"},
		"dispatch of a cancelled one":  {"POST", "/ordenes/" + cancelada + "/despacho", 409, ""},
		"a page of none":               {"GET", "/usuarios/ana/ordenes?limite=0", 400, "limite"},
		"a page too large":             {"GET", "/usuarios/ana/ordenes?limite=201", 400, "limite"},
		"a cursor with a NUL":          {"GET", "/usuarios/ana/ordenes?despues=01938f5e-7c1a-7000-8000-000000000001%00", 400, "despues"},
		"a cursor with a broken byte":  {"GET", "/usuarios/ana/ordenes?despues=01938f5e-7c1a-7000-8000-00000000000%ff", 400, "despues"},
		"a cursor that is none":        {"GET", "/usuarios/ana/ordenes?despues=1", 400, "despues"},
		"a control character in an id": {"GET", "/usuarios/a%07/ordenes", 400, "id"},
	} {
		t.Run(nombre, func(t *testing.T) {
			w, p := pedir[comun.Problema](t, s, c.metodo, c.ruta)
			if w.Code != c.estado || p.Detail == "" || (c.campo != "" && (len(p.Errores) != 1 || p.Errores[0].Campo != c.campo)) {
				t.Errorf("%d %+v", w.Code, p)
			}
		})
	}
	if len(s.avisos) != 0 {
		t.Errorf("avisos: %v", s.avisos)
	}
}

func TestServesItsDocument(t *testing.T) {
	routes := mux.NewRouter()
	rest.Servir(routes, nil, nil)
	resttest.Serves(t, routes, "ordenes")
}
