// Package rest is how gestor-compra is asked: by the bff, through Dapr service invocation.
package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/internal/rest"
)

// Gestor is what may be done with a purchase.
type Gestor interface {
	Aceptar(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error)
	Cancelar(ctx context.Context, idCompra, motivo string) (c contracts.Compra, hecha bool, err error)
	Aprobar(ctx context.Context, idCompra string, aprobada bool, motivo string) (contracts.Compra, error)
	Reintentar(ctx context.Context, idCompra string) (contracts.Compra, error)
}

// Lector reads purchases.
type Lector interface {
	Leer(ctx context.Context, id string) (contracts.Compra, error)
	Buscar(ctx context.Context, f contracts.FiltroCompras, antesDe contracts.Cursor, limite int) ([]contracts.Compra, error)
	Resumen(ctx context.Context, ventana time.Duration) (contracts.Resumen, error)
	Mensajes(ctx context.Context, idCompra string) ([]contracts.MensajeDeSaga, error)
}

const (
	limitePorOmision = 50
	limiteMaximo     = 200
)

// Servir adds the routes to rutas.
func Servir(rutas *mux.Router, g Gestor, l Lector) {
	a := api{g, l}
	rutas.Handle("/compras", rest.Ruta(a.crear)).Methods(http.MethodPost)
	rutas.Handle("/compras/{id}", rest.Ruta(a.leer)).Methods(http.MethodGet)
	rutas.Handle("/compras/{id}/cancelacion", rest.Ruta(a.cancelar)).Methods(http.MethodPost)
	rutas.Handle("/compras/{id}/aprobacion", rest.Ruta(a.aprobar)).Methods(http.MethodPost)
	rutas.Handle("/compras/{id}/reintento", rest.Ruta(a.reintentar)).Methods(http.MethodPost)
	rutas.Handle("/compras/{id}/mensajes", rest.Ruta(a.mensajes)).Methods(http.MethodGet)
	rutas.Handle("/compras", rest.Ruta(a.listar)).Methods(http.MethodGet)
	rutas.Handle("/usuarios/{id}/compras", rest.Ruta(a.listar)).Methods(http.MethodGet)
	rutas.Handle("/resumen", rest.Ruta(a.resumir)).Methods(http.MethodGet)
}

type api struct {
	gestor Gestor
	lector Lector
}

func (a api) crear(w http.ResponseWriter, r *http.Request) error {
	s, err := rest.Leer[contracts.SolicitudCompra](w, r)
	if err != nil {
		return err
	}
	c, err := a.gestor.Aceptar(r.Context(), s)
	if err != nil {
		return err
	}
	responder(w, http.StatusAccepted, c)
	return nil
}

func responder(w http.ResponseWriter, estado int, c contracts.Compra) {
	rest.Escribir(w, estado, contracts.Aceptada{ID: c.ID, Estado: c.Estado})
}

// cancelar answers 200 where there is nothing more to do, 202 where it goes on. The body is optional.
func (a api) cancelar(w http.ResponseWriter, r *http.Request) error {
	type peticion struct {
		Motivo string `json:"motivo"`
	}
	cuerpo, err := rest.ReadOptional[peticion](w, r)
	if err != nil {
		return err
	}
	c, hecha, err := a.gestor.Cancelar(r.Context(), mux.Vars(r)["id"], cuerpo.Motivo)
	if err != nil {
		return err
	}
	estado := http.StatusAccepted
	if hecha || c.Estado == contracts.EstadoCompensando {
		estado = http.StatusOK
	}
	responder(w, estado, c)
	return nil
}

func (a api) aprobar(w http.ResponseWriter, r *http.Request) error {
	cuerpo, err := rest.Leer[struct {
		Aprobada *bool  `json:"aprobada"`
		Motivo   string `json:"motivo"`
	}](w, r)
	if err != nil {
		return err
	}
	if cuerpo.Aprobada == nil {
		return contracts.CampoMalo("aprobada", "falta: debe ser true o false")
	}
	c, err := a.gestor.Aprobar(r.Context(), mux.Vars(r)["id"], *cuerpo.Aprobada, cuerpo.Motivo)
	if err != nil {
		return err
	}
	responder(w, http.StatusOK, c)
	return nil
}

func (a api) leer(w http.ResponseWriter, r *http.Request) error {
	c, err := a.lector.Leer(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	rest.Escribir(w, http.StatusOK, c)
	return nil
}

func (a api) reintentar(w http.ResponseWriter, r *http.Request) error {
	c, err := a.gestor.Reintentar(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	responder(w, http.StatusAccepted, c)
	return nil
}

// mensajes tells every command that the saga sent for a purchase, with its replies.
func (a api) mensajes(w http.ResponseWriter, r *http.Request) error {
	lista, err := a.lector.Mensajes(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	rest.Escribir(w, http.StatusOK, lista)
	return nil
}

// The window of a summary, in seconds.
const (
	ventanaPorOmision = 300
	ventanaMaxima     = 24 * 60 * 60
)

func (a api) resumir(w http.ResponseWriter, r *http.Request) error {
	segundos := ventanaPorOmision
	if texto := r.URL.Query().Get("segundos"); texto != "" {
		n, err := strconv.Atoi(texto)
		if err != nil || n < 1 || n > ventanaMaxima {
			return contracts.CampoMalo("segundos", fmt.Sprintf("debe ser un número de 1 a %d", ventanaMaxima))
		}
		segundos = n
	}
	s, err := a.lector.Resumen(r.Context(), time.Duration(segundos)*time.Second)
	if err != nil {
		return err
	}
	rest.Escribir(w, http.StatusOK, s)
	return nil
}

// listar answers a bare list, as the earlier system did; where it goes on is in the Link header.
func (a api) listar(w http.ResponseWriter, r *http.Request) error {
	limite, despues, err := pagina(r.URL.Query())
	if err != nil {
		return err
	}
	filtro, err := filtroDe(r)
	if err != nil {
		return err
	}
	lista, err := a.lector.Buscar(r.Context(), filtro, despues, limite+1)
	if err != nil {
		return err
	}
	page, err := pageOf(lista, limite)
	if err != nil {
		return err
	}
	if len(page) < len(lista) {
		w.Header().Set("Link", next(mux.Vars(r)["id"], filtro, limite, lista[len(page)-1]))
	}
	rest.Escribir(w, http.StatusOK, page)
	return nil
}

// maxPageBytes bounds the answer to a list. A customer may have purchases of 40 KB each, and an operator's page may have a
// hundred of them: the caller has a second for it, and little memory.
const maxPageBytes = 1 << 20

// pageOf is the beginning of lista that is a page: at most limite purchases and maxPageBytes, and at least one where there is one.
// Each is JSON already.
func pageOf(lista []contracts.Compra, limite int) ([]json.RawMessage, error) {
	page, size := []json.RawMessage{}, 0
	for _, c := range lista[:min(len(lista), limite)] {
		text, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		if size += len(text); size > maxPageBytes && len(page) > 0 {
			break
		}
		page = append(page, text)
	}
	return page, nil
}

// next is the Link header to the page after ultima. It is made of what was read from the request, never of its text: a
// sidecar refuses an answer whose headers are too large for it. usuario is the customer of the path, "" for the list of all.
func next(usuario string, f contracts.FiltroCompras, limite int, ultima contracts.Compra) string {
	q := url.Values{"limite": {strconv.Itoa(limite)}, "despues": {contracts.CursorOf(ultima).String()}}
	for _, e := range f.Estados {
		q.Add("estado", string(e))
	}
	if f.Domicilio != nil {
		q.Set("domicilio", strconv.FormatBool(*f.Domicilio))
	}
	path := "/compras"
	if usuario != "" {
		path = "/usuarios/" + url.PathEscape(usuario) + "/compras"
	} else if f.IDUsuario != "" {
		q.Set("id_usuario", f.IDUsuario)
	}
	return fmt.Sprintf(`<%s?%s>; rel="next"`, path, q.Encode())
}

// filtroDe reads which purchases are asked for: the customer of the path or of the query, estado (any of several), domicilio.
func filtroDe(r *http.Request) (f contracts.FiltroCompras, err error) {
	q := r.URL.Query()
	var v contracts.Validador
	if f.IDUsuario = mux.Vars(r)["id"]; f.IDUsuario == "" {
		f.IDUsuario = q.Get("id_usuario")
	}
	if f.IDUsuario != "" {
		v.Identificador("id_usuario", f.IDUsuario)
	}
	for _, texto := range q["estado"] {
		e := contracts.Estado(texto)
		if !slices.Contains(contracts.Estados, e) {
			v.Falla("estado", "debe ser uno de los estados de una compra, por ejemplo CONFIRMADA")
			break
		}
		if !slices.Contains(f.Estados, e) {
			f.Estados = append(f.Estados, e)
		}
	}
	if texto := q.Get("domicilio"); texto != "" {
		si, err := strconv.ParseBool(texto)
		if err != nil {
			v.Falla("domicilio", "debe ser true o false")
		}
		f.Domicilio = &si
	}
	return f, v.Error()
}

// pagina reads limite and despues; without despues a list begins at the newest.
func pagina(q url.Values) (limite int, despues contracts.Cursor, err error) {
	limite, despues = limitePorOmision, contracts.Cursor{CreadaEn: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	var v contracts.Validador
	if texto := q.Get("limite"); texto != "" {
		if limite, err = strconv.Atoi(texto); err != nil || limite < 1 || limite > limiteMaximo {
			v.Falla("limite", fmt.Sprintf("debe ser un número de 1 a %d", limiteMaximo))
		}
	}
	if texto := q.Get("despues"); texto != "" {
		c, err := contracts.ParseCursor(texto)
		if err != nil {
			return limite, despues, err
		}
		despues = contracts.Cursor{CreadaEn: c.CreadaEn, ID: c.ID}
	}
	return limite, despues, v.Error()
}
