package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/services/monitor/rest"
)

const oneCompra = "01938f5e-7c1a-7000-8000-000000000001"

// acts keeps acts in memory.
type acts struct {
	list []contracts.Acto
	err  error
}

func (a *acts) Add(_ context.Context, fresh []contracts.Acto) (string, []contracts.Acto, error) {
	if a.err != nil {
		return "", nil, a.err
	}
	added := slices.Clone(fresh)
	for i := range added {
		added[i].ID = added[i].Objeto
	}
	a.list = append(a.list, added...)
	return "part", added, nil
}

func (a *acts) Settle(_ context.Context, _ string, added, happened []contracts.Acto) error {
	a.list = slices.DeleteFunc(a.list, func(x contracts.Acto) bool {
		return slices.ContainsFunc(added, func(y contracts.Acto) bool { return x.ID == y.ID })
	})
	a.list = append(a.list, happened...)
	return nil
}

func (a *acts) Actos(context.Context, contracts.ActosFilter, contracts.Cursor, int) ([]contracts.Acto, error) {
	return a.list, nil
}

// letters has one dead letter at 1:1. Every operation on another fails with err, or with NotFound.
type letters struct {
	rest.DeadLetters
	calls int
	err   error
}

func (l *letters) one(id string) (contracts.MensajeMuerto, error) {
	l.calls++
	switch {
	case id == "1:1":
		return contracts.MensajeMuerto{ID: id, Tipo: "CrearOrden", Tema: "comandos-orden", IDCompra: oneCompra}, nil
	case l.err != nil:
		return contracts.MensajeMuerto{}, l.err
	default:
		return contracts.MensajeMuerto{}, errs.New(errs.NotFound, "No hay un mensaje muerto %s.", id)
	}
}

func (l *letters) Devolver(_ context.Context, id string) (contracts.MensajeMuerto, error) {
	return l.one(id)
}
func (l *letters) SetAside(_ context.Context, id string) (contracts.MensajeMuerto, error) {
	return l.one(id)
}
func (l *letters) Descartar(_ context.Context, id, _ string) (contracts.MensajeMuerto, error) {
	return l.one(id)
}

func (l *letters) DevolverMany(_ context.Context, ids []string) (results []contracts.ResultadoDeDevolucion, err error) {
	for _, id := range ids {
		one, err := l.one(id)
		results = append(results, contracts.ResultadoDeDevolucion{ID: id, Devuelto: err == nil, Tipo: one.Tipo, Tema: one.Tema})
	}
	return results, nil
}

// Each message that was returned, set aside or discarded is one act, with its reason and what it was. What was refused is none; what may
// have been done is one. Without the store of the acts nothing is done.
func TestActsOnDeadLetters(t *testing.T) {
	for _, c := range []struct {
		name, path, body string
		fails            error // of the dead letters other than 1:1
		store            error // of the acts
		status           int
		want             []contracts.Acto
	}{
		{"returned", "/mensajes-muertos/1:1/devolucion", "", nil, nil, 202, []contracts.Acto{{ID: "1:1", Tipo: contracts.ActoMensajeDevuelto, Objeto: "1:1", IDCompra: oneCompra, Detalle: "CrearOrden de comandos-orden."}}},
		{"set aside", "/mensajes-muertos/1:1/apartado", "", nil, nil, 202, []contracts.Acto{{ID: "1:1", Tipo: contracts.ActoMensajeApartado, Objeto: "1:1", IDCompra: oneCompra, Detalle: "CrearOrden de comandos-orden."}}},
		{"discarded", "/mensajes-muertos/1:1/descarte", `{"motivo":"no sirve"}`, nil, nil, 202, []contracts.Acto{{ID: "1:1", Tipo: contracts.ActoMensajeDescartado, Objeto: "1:1", IDCompra: oneCompra, Motivo: "no sirve", Detalle: "CrearOrden de comandos-orden."}}},
		{"some of several", "/mensajes-muertos/devolucion", `{"ids":["2:2","1:1","3:3"]}`, nil, nil, 200, []contracts.Acto{{ID: "1:1", Tipo: contracts.ActoMensajeDevuelto, Objeto: "1:1", Detalle: "CrearOrden de comandos-orden."}}},
		{"not there", "/mensajes-muertos/2:2/devolucion", "", nil, nil, 404, nil},
		{"without an answer of the broker", "/mensajes-muertos/2:2/devolucion", "", errs.Transient(errors.New("timeout")), nil, 503, []contracts.Acto{{ID: "2:2", Tipo: contracts.ActoMensajeDevuelto, Objeto: "2:2"}}},
		{"no reason", "/mensajes-muertos/1:1/descarte", `{}`, nil, nil, 400, nil},
		{"without the store", "/mensajes-muertos/1:1/devolucion", "", nil, errs.Transient(errors.New("no store")), 503, nil},
		{"several without the store", "/mensajes-muertos/devolucion", `{"ids":["1:1"]}`, nil, errs.Transient(errors.New("no store")), 503, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i, a := range c.want {
				if a.Detalle != "" {
					c.want[i] = a.Telling(contracts.TextoMensaje, contracts.ValorDeActo{Nombre: "tipo", Texto: "CrearOrden"}, contracts.ValorDeActo{Nombre: "tema", Texto: "comandos-orden"})
				}
			}
			kept, dead, routes := &acts{err: c.store}, &letters{err: c.fails}, mux.NewRouter()
			rest.ServeAPI(routes, nil, dead, kept)
			r := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			if routes.ServeHTTP(w, r); w.Code != c.status || !slices.EqualFunc(kept.list, c.want, func(a, b contracts.Acto) bool { return reflect.DeepEqual(a, b) }) {
				t.Errorf("%d %s: the acts are %+v", w.Code, w.Body, kept.list)
			}
			if c.store != nil && dead.calls > 0 {
				t.Error("done without an act")
			}
			w = httptest.NewRecorder()
			routes.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/actos", http.NoBody))
			var page contracts.PaginaDeActos
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || len(page.Actos) != len(c.want) {
				t.Errorf("GET /actos: %d %s", w.Code, w.Body)
			}
		})
	}
}
