// Package rest serves contracts/openapi/admin-productos.yaml: the products with their stock, and their restocking.
package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"entregas/contracts"
	api "entregas/internal/api/adminproductos"
	"entregas/internal/rest"
	"entregas/services/admin-productos/productos"
)

// Store reads the products and restocks them.
type Store interface {
	Productos(ctx context.Context, search string) ([]productos.Producto, error)
	Balance(ctx context.Context) ([]contracts.LineaDeBalance, error)
	Producto(ctx context.Context, id string) (productos.Producto, error)
	Reponer(ctx context.Context, id string, cantidad int, key string) (productos.Producto, error)
}

// ServeRoutes adds the routes of the OpenAPI document to routes.
func ServeRoutes(routes *mux.Router, store Store) {
	api.HandlerWithOptions(resources{store}, api.GorillaServerOptions{BaseRouter: routes, ErrorHandlerFunc: rest.BadParameter(nil)})
}

type resources struct{ store Store }

// ListarProductos implements api.ServerInterface.
func (r resources) ListarProductos(w http.ResponseWriter, p *http.Request, params api.ListarProductosParams) {
	search := ""
	if params.Buscar != nil {
		search = strings.TrimSpace(*params.Buscar)
	}
	var v contracts.Validator
	v.FreeText("buscar", search, contracts.MaxIdentifier)
	if err := v.Error(); err != nil {
		rest.WriteError(w, p, err)
		return
	}
	all, err := r.store.Productos(p.Context(), search)
	rest.Answer(w, p, http.StatusOK, all, err)
}

// LeerBalance implements api.ServerInterface.
func (r resources) LeerBalance(w http.ResponseWriter, p *http.Request) {
	lineas, err := r.store.Balance(p.Context())
	rest.Answer(w, p, http.StatusOK, lineas, err)
}

// LeerProducto implements api.ServerInterface.
func (r resources) LeerProducto(w http.ResponseWriter, p *http.Request, id api.Id) {
	var v contracts.Validator
	v.Identifier("id", id)
	if err := v.Error(); err != nil {
		rest.WriteError(w, p, err)
		return
	}
	producto, err := r.store.Producto(p.Context(), id)
	rest.Answer(w, p, http.StatusOK, producto, err)
}

// ReponerProducto implements api.ServerInterface.
func (r resources) ReponerProducto(w http.ResponseWriter, p *http.Request, id api.Id, params api.ReponerProductoParams) {
	request, err := rest.Read[contracts.Reposicion](w, p)
	if err == nil {
		err = productos.ValidateReposicion(id, request.Cantidad)
	}
	key := uuid.NewString() // without a key each request is a restock of its own
	if err == nil && params.IdempotencyKey != nil {
		var v contracts.Validator
		key = *params.IdempotencyKey
		v.IdempotencyKey("Idempotency-Key", key)
		err = v.Error()
	}
	if err != nil {
		rest.WriteError(w, p, err)
		return
	}
	producto, err := r.store.Reponer(p.Context(), id, request.Cantidad, key)
	rest.Answer(w, p, http.StatusOK, producto, err)
}
