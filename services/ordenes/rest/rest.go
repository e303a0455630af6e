// Package rest serves contracts/openapi/ordenes.yaml: the orders and their dispatch.
package rest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	api "entregas/internal/api/ordenes"
	"entregas/internal/audit"
	"entregas/internal/logging"
	"entregas/internal/rest"
	"entregas/services/ordenes/ordenes"
)

// Store reads and dispatches the orders, and publishes their events.
type Store interface {
	audit.Lister
	Orden(ctx context.Context, id string) (ordenes.Orden, error)
	OfUsuario(ctx context.Context, idUsuario string, limit int, after string) ([]ordenes.Orden, error)
	Queue(ctx context.Context, f contracts.OrdenesFilter, after contracts.OrdenCursor, limit int) (list []ordenes.Orden, total int, err error)
	Zonas(ctx context.Context) ([]contracts.ZonaDeOrdenes, error)
	Despachar(ctx context.Context, id string) (ordenes.Orden, error)
	Broadcast(ctx context.Context, idCompra string, publish ordenes.Publish) error
	Eraser
}

// Eraser erases the personal data of customers.
type Eraser interface {
	Borrar(ctx context.Context, idUsuario string) (contracts.ParteBorrada, error)
}

// ServeRoutes adds the routes of the OpenAPI document to routes.
func ServeRoutes(routes *mux.Router, store Store, publish ordenes.Publish) {
	api.HandlerWithOptions(resources{store, publish}, api.GorillaServerOptions{BaseRouter: routes, ErrorHandlerFunc: rest.BadParameter(accepted)})
}

type resources struct {
	store   Store
	publish ordenes.Publish
}

// BorrarDatosDeOrdenes implements api.ServerInterface.
func (r resources) BorrarDatosDeOrdenes(w http.ResponseWriter, p *http.Request, id api.Id) {
	var v contracts.Validator
	v.Identifier("id", id)
	if err := v.Error(); err != nil {
		rest.WriteError(w, p, err)
		return
	}
	part, err := r.store.Borrar(p.Context(), id)
	rest.Answer(w, p, http.StatusOK, part, err)
}

// LeerOrden implements api.ServerInterface.
func (r resources) LeerOrden(w http.ResponseWriter, p *http.Request, id api.Id) {
	if err := ordenes.ValidateID("id", id); err != nil {
		rest.WriteError(w, p, err)
		return
	}
	o, err := r.store.Orden(p.Context(), id)
	rest.Answer(w, p, http.StatusOK, o, err)
}

// DespacharOrden implements api.ServerInterface.
func (r resources) DespacharOrden(w http.ResponseWriter, p *http.Request, id api.Id) {
	if err := ordenes.ValidateID("id", id); err != nil {
		rest.WriteError(w, p, err)
		return
	}
	o, err := r.store.Despachar(p.Context(), id)
	if err == nil {
		r.notify(p.Context(), o.IDCompra)
	}
	rest.Answer(w, p, http.StatusOK, o, err)
}

// publishDeadline is how long the answer to a dispatch waits for the publication of its event. After that the sweep publishes
// it.
const publishDeadline = 500 * time.Millisecond

// notify publishes the event of a dispatch. A failure is only logged: the order is dispatched, and the sweep publishes again.
func (r resources) notify(ctx context.Context, idCompra string) {
	ctx, cancel := context.WithTimeout(logging.WithCompra(ctx, idCompra), publishDeadline)
	defer cancel()
	if err := r.store.Broadcast(ctx, idCompra, r.publish); err != nil {
		slog.WarnContext(ctx, "the event of a dispatch is left to the sweep", "error", err)
	}
}

const (
	usualLimit = 50
	maxLimit   = 200
)

// accepted describes in Spanish the values that each parameter accepts.
var accepted = map[string]string{
	"limite":    fmt.Sprintf("debe ser un número entero de 1 a %d", maxLimit),
	"estado":    "debe ser CREADA, CANCELADA o DESPACHADA",
	"domicilio": "debe ser true o false",
}

// ListarOrdenesDeUsuario implements api.ServerInterface.
func (r resources) ListarOrdenesDeUsuario(w http.ResponseWriter, p *http.Request, id api.Id, params api.ListarOrdenesDeUsuarioParams) {
	limit, after := usualLimit, ""
	var v contracts.Validator
	v.Identifier("id", id)
	if params.Despues != nil {
		after = *params.Despues
		v.IDCompra("despues", after)
	}
	if params.Limite != nil {
		limit = *params.Limite
	}
	if limit < 1 || limit > maxLimit {
		v.Fail("limite", accepted["limite"])
	}
	if err := v.Error(); err != nil {
		rest.WriteError(w, p, err)
		return
	}
	list, err := r.store.OfUsuario(p.Context(), id, limit+1, after)
	page := api.PaginaDeOrdenes{Ordenes: list}
	if len(list) > limit {
		page.Ordenes, page.Siguiente = list[:limit], list[limit-1].ID
	}
	rest.Answer(w, p, http.StatusOK, page, err)
}

// ListarActosDeOrdenes implements api.ServerInterface.
func (r resources) ListarActosDeOrdenes(w http.ResponseWriter, p *http.Request, params api.ListarActosDeOrdenesParams) {
	page, err := audit.Page(p.Context(), r.store, contracts.ActosQuery(params))
	rest.Answer(w, p, http.StatusOK, page, err)
}
