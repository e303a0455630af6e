// Package rest is how gestor-compra is asked: by the bff, through Dapr service invocation.
package rest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/internal/registro"
	"entregas/services/internal/rest"
)

// Gestor is what may be done with a purchase.
type Gestor interface {
	Aceptar(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error)
	Cancelar(ctx context.Context, idCompra, motivo string) (c contracts.Compra, hecha bool, err error)
	Aprobar(ctx context.Context, idCompra string, aprobada bool, motivo string) (contracts.Compra, error)
}

// Lector reads purchases.
type Lector interface {
	Leer(ctx context.Context, id string) (contracts.Compra, error)
	Listar(ctx context.Context, idUsuario string, antesDe postgres.Cursor, limite int) ([]contracts.Compra, error)
}

const (
	limitePorOmision = 50
	limiteMaximo     = 200
)

// Rutas adds the routes to r.
func Rutas(r *mux.Router, g Gestor, l Lector) {
	a := api{g, l}
	r.HandleFunc("/compras", a.crear).Methods(http.MethodPost)
	r.HandleFunc("/compras/{id}", a.leer).Methods(http.MethodGet)
	r.HandleFunc("/compras/{id}/cancelacion", a.cancelar).Methods(http.MethodPost)
	r.HandleFunc("/compras/{id}/aprobacion", a.aprobar).Methods(http.MethodPost)
	r.HandleFunc("/usuarios/{id}/compras", a.listar).Methods(http.MethodGet)
}

type api struct {
	gestor Gestor
	lector Lector
}

func (a api) crear(w http.ResponseWriter, r *http.Request) {
	s, err := rest.Leer[contracts.SolicitudCompra](w, r)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	c, err := a.gestor.Aceptar(r.Context(), s)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	rest.Escribir(w, http.StatusAccepted, resumen(c))
}

func resumen(c contracts.Compra) map[string]any {
	return map[string]any{"id": c.ID, "estado": c.Estado}
}

// cancelar answers 200 where there is nothing more to do, 202 where it goes on. The body is optional.
func (a api) cancelar(w http.ResponseWriter, r *http.Request) {
	type peticion struct {
		Motivo string `json:"motivo"`
	}
	var cuerpo peticion
	if r.ContentLength != 0 {
		var err error
		if cuerpo, err = rest.Leer[peticion](w, r); err != nil {
			rest.EscribirError(w, r, err)
			return
		}
	}
	c, hecha, err := a.gestor.Cancelar(r.Context(), mux.Vars(r)["id"], cuerpo.Motivo)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	estado := http.StatusAccepted
	if hecha || c.Estado == contracts.EstadoCompensando {
		estado = http.StatusOK
	}
	rest.Escribir(w, estado, resumen(c))
}

func (a api) aprobar(w http.ResponseWriter, r *http.Request) {
	cuerpo, err := rest.Leer[struct {
		Aprobada *bool  `json:"aprobada"`
		Motivo   string `json:"motivo"`
	}](w, r)
	if err == nil && cuerpo.Aprobada == nil {
		var v contracts.Validador
		v.Falla("aprobada", "falta: debe ser true o false")
		err = v.Error()
	}
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	c, err := a.gestor.Aprobar(r.Context(), mux.Vars(r)["id"], *cuerpo.Aprobada, cuerpo.Motivo)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	rest.Escribir(w, http.StatusOK, resumen(c))
}

func (a api) leer(w http.ResponseWriter, r *http.Request) {
	id := mux.Vars(r)["id"]
	c, err := a.lector.Leer(registro.ConCompra(r.Context(), id), id)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	rest.Escribir(w, http.StatusOK, c)
}

// listar answers a bare list, as the earlier system did; where it goes on is in the Link header.
func (a api) listar(w http.ResponseWriter, r *http.Request) {
	limite, despues, err := pagina(r.URL.Query())
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	lista, err := a.lector.Listar(r.Context(), mux.Vars(r)["id"], despues, limite+1)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	if len(lista) > limite {
		lista = lista[:limite]
		ultima := lista[limite-1]
		siguiente := url.Values{"limite": {strconv.Itoa(limite)}, "despues": {ultima.CreadaEn.UTC().Format(time.RFC3339Nano) + "_" + ultima.ID}}
		w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.EscapedPath(), siguiente.Encode()))
	}
	if lista == nil {
		lista = []contracts.Compra{}
	}
	rest.Escribir(w, http.StatusOK, lista)
}

// pagina reads limite and despues; without despues a list begins at the newest.
func pagina(q url.Values) (limite int, despues postgres.Cursor, err error) {
	limite, despues = limitePorOmision, postgres.Cursor{CreadaEn: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	var v contracts.Validador
	if texto := q.Get("limite"); texto != "" {
		if limite, err = strconv.Atoi(texto); err != nil || limite < 1 || limite > limiteMaximo {
			v.Falla("limite", fmt.Sprintf("debe ser un número de 1 a %d", limiteMaximo))
		}
	}
	if texto := q.Get("despues"); texto != "" {
		en, id, hay := strings.Cut(texto, "_")
		if despues.CreadaEn, err = time.Parse(time.RFC3339Nano, en); err != nil || !hay {
			v.Falla("despues", "debe ser el que dio la página anterior")
		}
		despues.ID = id
	}
	return limite, despues, v.Error()
}
