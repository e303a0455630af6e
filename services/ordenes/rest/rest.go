// Package rest shows orders, and dispatches them.
package rest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	api "entregas/services/internal/api/ordenes"
	"entregas/services/internal/registro"
	"entregas/services/internal/rest"
	"entregas/services/ordenes/ordenes"
)

// Almacen is what the routes ask of the store.
type Almacen interface {
	Orden(ctx context.Context, id string) (ordenes.Orden, error)
	DeUsuario(ctx context.Context, idUsuario string, limite int, despues string) ([]ordenes.Orden, error)
	Despachar(ctx context.Context, id string) (ordenes.Orden, error)
	Difundir(ctx context.Context, idCompra string, publicar ordenes.Publicar) error
}

// Servir adds the routes of the service's OpenAPI document.
func Servir(rutas *mux.Router, almacen Almacen, publicar ordenes.Publicar) {
	api.HandlerWithOptions(recursos{almacen, publicar}, api.GorillaServerOptions{BaseRouter: rutas, ErrorHandlerFunc: rest.BadParameter(accepted)})
}

type recursos struct {
	almacen  Almacen
	publicar ordenes.Publicar
}

// LeerOrden implements api.ServerInterface.
func (r recursos) LeerOrden(w http.ResponseWriter, p *http.Request, id api.Id) {
	if err := ordenes.ValidarID("id", id); err != nil {
		rest.EscribirError(w, p, err)
		return
	}
	o, err := r.almacen.Orden(p.Context(), id)
	rest.Answer(w, p, http.StatusOK, o, err)
}

// DespacharOrden implements api.ServerInterface. It takes no body.
func (r recursos) DespacharOrden(w http.ResponseWriter, p *http.Request, id api.Id) {
	if err := ordenes.ValidarID("id", id); err != nil {
		rest.EscribirError(w, p, err)
		return
	}
	o, err := r.almacen.Despachar(p.Context(), id)
	if err == nil {
		r.avisar(p.Context(), o.IDCompra)
	}
	rest.Answer(w, p, http.StatusOK, o, err)
}

// plazoAviso is how long a cancellation or a dispatch waits for its event to be published. The sweep publishes what is not done by then.
const plazoAviso = 500 * time.Millisecond

// avisar tells at once what happened. It happened whether or not this works, so its failure is no answer.
func (r recursos) avisar(ctx context.Context, idCompra string) {
	ctx, soltar := context.WithTimeout(registro.ConCompra(ctx, idCompra), plazoAviso)
	defer soltar()
	if err := r.almacen.Difundir(ctx, idCompra, r.publicar); err != nil {
		slog.WarnContext(ctx, "el aviso del despacho queda para el barrido", "error", err)
	}
}

const (
	limiteUsual = 50
	limiteMayor = 200
)

var accepted = map[string]string{"limite": fmt.Sprintf("debe ser un número entero de 1 a %d", limiteMayor)}

// ListarOrdenesDeUsuario implements api.ServerInterface.
func (r recursos) ListarOrdenesDeUsuario(w http.ResponseWriter, p *http.Request, id api.Id, params api.ListarOrdenesDeUsuarioParams) {
	limite, despues := limiteUsual, ""
	var v contracts.Validador
	v.Identificador("id", id)
	if params.Despues != nil {
		despues = *params.Despues
		v.IDCompra("despues", despues)
	}
	if params.Limite != nil {
		limite = *params.Limite
	}
	if limite < 1 || limite > limiteMayor {
		v.Falla("limite", accepted["limite"])
	}
	if err := v.Error(); err != nil {
		rest.EscribirError(w, p, err)
		return
	}
	lista, err := r.almacen.DeUsuario(p.Context(), id, limite+1, despues)
	page := api.PaginaDeOrdenes{Ordenes: lista}
	if len(lista) > limite {
		page.Ordenes, page.Siguiente = lista[:limite], lista[limite-1].ID
	}
	rest.Answer(w, p, http.StatusOK, page, err)
}
