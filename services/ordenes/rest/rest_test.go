package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"entregas/contracts"
	api "entregas/internal/api/ordenes"
	"entregas/internal/app"
	"entregas/internal/databasetest"
	"entregas/internal/inbox"
	common "entregas/internal/rest"
	"entregas/internal/resttest"
	"entregas/services/ordenes/ordenes"
	"entregas/services/ordenes/postgres"
	"entregas/services/ordenes/rest"
)

// service serves the routes of ordenes without its messages. events has the events that it published.
type service struct {
	routes  *mux.Router
	store   *postgres.Store
	events  []contracts.DatosEventoOrden
	failure error
}

func newService(t *testing.T) *service {
	s := &service{routes: app.Config{}.Routes(nil), store: postgres.New(databasetest.New(t, postgres.Migrations), 100)}
	rest.ServeRoutes(s.routes, s.store, func(_ context.Context, _ contracts.MessageType, data contracts.DatosEventoOrden) error {
		if s.failure == nil {
			s.events = append(s.events, data)
		}
		return s.failure
	})
	return s
}

func (s *service) create(t *testing.T, idCompra string) (idOrden string) {
	t.Helper()
	return s.createOf(t, idCompra, []contracts.Linea{{IDProducto: "1", Cantidad: 1}})
}

func (s *service) createOf(t *testing.T, idCompra string, productos []contracts.Linea) (idOrden string) {
	t.Helper()
	data := contracts.DatosComandoOrden{IDCompra: idCompra, IDUsuario: "ana maría", Productos: productos}
	c, err := inbox.FromMessage(contracts.NewMessage("test", contracts.CrearOrden, "", data), idCompra)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.store.Create(t.Context(), c, data)
	if err != nil {
		t.Fatal(err)
	}
	return r.Data.IDOrden
}

func (s *service) cancelar(t *testing.T, idCompra string) {
	t.Helper()
	c, err := inbox.FromMessage(contracts.NewMessage("test", contracts.CancelarOrden, "", contracts.DatosComandoOrden{IDCompra: idCompra}), idCompra)
	if err == nil {
		_, err = s.store.Cancelar(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func ask[T any](t *testing.T, s *service, method, path string) (*httptest.ResponseRecorder, T) {
	t.Helper()
	w := httptest.NewRecorder()
	s.routes.ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))
	var v T
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return w, v
}

func TestSeeAndDespachar(t *testing.T) {
	s, c := newService(t), uuid.NewString()
	id := s.create(t, c)
	if w, o := ask[ordenes.Orden](t, s, "GET", "/ordenes/"+id); w.Code != 200 || o.ID != id || o.IDCompra != c || o.Estado != contracts.EstadoOrdenCreada {
		t.Fatalf("%d %+v", w.Code, o)
	}
	for range 2 {
		if w, o := ask[ordenes.Orden](t, s, "POST", "/ordenes/"+id+"/despacho"); w.Code != 200 || o.Estado != contracts.EstadoOrdenDespachada {
			t.Fatalf("%d %+v", w.Code, o)
		}
	}
	if len(s.events) != 1 || s.events[0] != (contracts.DatosEventoOrden{IDCompra: c, IDOrden: id}) {
		t.Errorf("events: %+v", s.events)
	}
}

// A dispatch succeeds also when the broker is down: the order is dispatched although its event is not published yet.
func TestDespacharWithoutABroker(t *testing.T) {
	s := newService(t)
	id := s.create(t, uuid.NewString())
	s.failure = errors.New("no broker")
	if w, o := ask[ordenes.Orden](t, s, "POST", "/ordenes/"+id+"/despacho"); w.Code != 200 || o.Estado != contracts.EstadoOrdenDespachada {
		t.Fatalf("%d %+v", w.Code, o)
	}
	s.failure = nil
	if w, _ := ask[ordenes.Orden](t, s, "POST", "/ordenes/"+id+"/despacho"); w.Code != 200 || len(s.events) != 1 {
		t.Errorf("%d, events %v", w.Code, s.events)
	}
}

func TestListIsPaged(t *testing.T) {
	s := newService(t)
	for range 3 {
		s.create(t, uuid.NewString())
	}
	const path = "/usuarios/ana%20mar%C3%ADa/ordenes"
	w, all := ask[api.PaginaDeOrdenes](t, s, "GET", path)
	if w.Code != 200 || len(all.Ordenes) != 3 || all.Siguiente != "" {
		t.Fatalf("%d %+v", w.Code, all)
	}
	seen := 0
	for cursor, more := "", true; more; {
		_, page := ask[api.PaginaDeOrdenes](t, s, "GET", path+"?limite=2"+cursor)
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
	if w, nobody := ask[api.PaginaDeOrdenes](t, s, "GET", "/usuarios/nadie/ordenes"); w.Code != 200 || nobody.Ordenes == nil || len(nobody.Ordenes) != 0 {
		t.Errorf("%d %+v", w.Code, nobody)
	}
}

// The pages of the queue have every order once, whatever its size: a page ends when its bytes reach the limit.
func TestQueueIsPaged(t *testing.T) {
	s := newService(t)
	large := make([]contracts.Linea, contracts.MaxLineas)
	for i := range large {
		large[i] = contracts.Linea{IDProducto: fmt.Sprintf("%s%02d", strings.Repeat("<", 60), i), Cantidad: contracts.MaxCantidad}
	}
	const n = 40 // orders of 40 KB each
	for range n {
		s.createOf(t, uuid.NewString(), large)
	}
	seen := map[string]bool{}
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		w, page := ask[contracts.PaginaDeOrdenes](t, s, "GET", "/ordenes?limite=100"+cursor)
		if w.Code != 200 || w.Body.Len() > 1<<20 || len(page.Ordenes) == 0 || page.Total != n || pages > 3 {
			t.Fatalf("page %d: %d, %d bytes, %d of %d orders", pages, w.Code, w.Body.Len(), len(page.Ordenes), page.Total)
		}
		for _, o := range page.Ordenes {
			seen[o.ID] = true
		}
		if cursor = page.Siguiente; cursor != "" {
			cursor = "&despues=" + cursor
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d orders", len(seen), n)
	}
	if w, none := ask[contracts.PaginaDeOrdenes](t, s, "GET", "/ordenes?estado=DESPACHADA&domicilio=true"); w.Code != 200 || none.Ordenes == nil || len(none.Ordenes) != 0 || none.Total != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestImpossibleRequestsOfOrdenes(t *testing.T) {
	s, c := newService(t), uuid.NewString()
	cancelled := s.create(t, c)
	s.cancelar(t, c)
	for name, c := range map[string]struct {
		method, path string
		status       int
		field        string
	}{
		"unknown order":                {"GET", "/ordenes/" + uuid.NewString(), 404, ""},
		"not an order's id":            {"GET", "/ordenes/1", 400, "id"},
		"dispatch of an unknown":       {"POST", "/ordenes/" + uuid.NewString() + "/despacho", 404, ""},
		"dispatch of not an id":        {"POST", "/ordenes/x/despacho", 400, "id"},
		"dispatch of a cancelled one":  {"POST", "/ordenes/" + cancelled + "/despacho", 409, ""},
		"a page of none":               {"GET", "/usuarios/ana/ordenes?limite=0", 400, "limite"},
		"a page too large":             {"GET", "/usuarios/ana/ordenes?limite=201", 400, "limite"},
		"a cursor with a NUL":          {"GET", "/usuarios/ana/ordenes?despues=01938f5e-7c1a-7000-8000-000000000001%00", 400, "despues"},
		"a cursor with a broken byte":  {"GET", "/usuarios/ana/ordenes?despues=01938f5e-7c1a-7000-8000-00000000000%ff", 400, "despues"},
		"a cursor that is none":        {"GET", "/usuarios/ana/ordenes?despues=1", 400, "despues"},
		"a queue of an unknown state":  {"GET", "/ordenes?estado=NADA", 400, "estado"},
		"a queue of two states":        {"GET", "/ordenes?estado=CREADA&estado=CANCELADA", 400, "estado"},
		"a queue of a text":            {"GET", "/ordenes?domicilio=tal%20vez", 400, "domicilio"},
		"a queue of a zone with NUL":   {"GET", "/ordenes?zona=%00", 400, "zona"},
		"a queue of a long zone":       {"GET", "/ordenes?zona=" + strings.Repeat("a", contracts.MaxCiudad+1), 400, "zona"},
		"a queue too large":            {"GET", "/ordenes?limite=201", 400, "limite"},
		"a queue after a NUL":          {"GET", "/ordenes?despues=tienda_01938f5e-7c1a-7000-8000-000000000001%00", 400, "despues"},
		"a queue after no kind":        {"GET", "/ordenes?despues=01938f5e-7c1a-7000-8000-000000000001", 400, "despues"},
		"a control character in an id": {"GET", "/usuarios/a%07/ordenes", 400, "id"},
	} {
		t.Run(name, func(t *testing.T) {
			w, p := ask[common.Problem](t, s, c.method, c.path)
			if w.Code != c.status || p.Detail == "" || (c.field != "" && (len(p.Errores) != 1 || p.Errores[0].Field != c.field)) {
				t.Errorf("%d %+v", w.Code, p)
			}
		})
	}
	if len(s.events) != 0 {
		t.Errorf("events: %v", s.events)
	}
}

func TestServesItsDocument(t *testing.T) {
	routes := mux.NewRouter()
	rest.ServeRoutes(routes, nil, nil)
	resttest.Serves(t, routes, "ordenes")
}
