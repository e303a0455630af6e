// Package rest serves contracts/openapi/admin-productos.yaml: the products with their stock and prices, and their restocking.
package rest

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"entregas/contracts"
	api "entregas/internal/api/adminproductos"
	"entregas/internal/audit"
	"entregas/internal/rest"
	"entregas/services/admin-productos/productos"
)

// Store reads the products and restocks them.
type Store interface {
	audit.Lister
	Productos(ctx context.Context, search string) ([]productos.Producto, error)
	Producto(ctx context.Context, id string) (productos.Producto, error)
	Reponer(ctx context.Context, id string, cantidad int, key string) (productos.Producto, error)
}

// Prices changes the prices of products and reads their history.
type Prices interface {
	CambiarPrecio(ctx context.Context, id string, p contracts.CambioDePrecio, key string) (productos.Producto, error)
	Precios(ctx context.Context, id string, olderThan int64, limit int) (list []contracts.Precio, next int64, err error)
}

// ServeRoutes adds the routes of the OpenAPI document to routes.
func ServeRoutes(routes *mux.Router, store Store, prices Prices, existencias Existencias) {
	api.HandlerWithOptions(resources{store, prices, existencias}, api.GorillaServerOptions{BaseRouter: routes, ErrorHandlerFunc: rest.BadParameter(accepted)})
}

type resources struct {
	store       Store
	prices      Prices
	existencias Existencias
}

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
	key, keyErr := keyOf(params.IdempotencyKey)
	if err = cmp.Or(err, keyErr); err != nil {
		rest.WriteError(w, p, err)
		return
	}
	producto, err := r.store.Reponer(p.Context(), id, request.Cantidad, key)
	rest.Answer(w, p, http.StatusOK, producto, err)
}

// ListarActosDeProductos implements api.ServerInterface.
func (r resources) ListarActosDeProductos(w http.ResponseWriter, p *http.Request, params api.ListarActosDeProductosParams) {
	page, err := audit.Page(p.Context(), r.store, contracts.ActosQuery(params))
	rest.Answer(w, p, http.StatusOK, page, err)
}
