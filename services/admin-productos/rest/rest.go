// Package rest shows the products with their stock, and restocks them.
package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/admin-productos/productos"
	api "entregas/services/internal/api/adminproductos"
	"entregas/services/internal/rest"
)

// Almacen is what the routes ask of the store.
type Almacen interface {
	Productos(ctx context.Context, buscar string) ([]productos.Producto, error)
	Balance(ctx context.Context) ([]contracts.LineaDeBalance, error)
	Producto(ctx context.Context, id string) (productos.Producto, error)
	Reponer(ctx context.Context, id string, cantidad int, clave string) (productos.Producto, error)
}

// Servir adds the routes of the service's OpenAPI document.
func Servir(rutas *mux.Router, almacen Almacen) {
	api.HandlerWithOptions(recursos{almacen}, api.GorillaServerOptions{BaseRouter: rutas, ErrorHandlerFunc: rest.BadParameter(nil)})
}

type recursos struct{ almacen Almacen }

// ListarProductos implements api.ServerInterface.
func (r recursos) ListarProductos(w http.ResponseWriter, p *http.Request, params api.ListarProductosParams) {
	buscar := ""
	if params.Buscar != nil {
		buscar = strings.TrimSpace(*params.Buscar)
	}
	var v contracts.Validador
	v.FreeText("buscar", buscar, contracts.MaxIdentificador)
	if err := v.Error(); err != nil {
		rest.EscribirError(w, p, err)
		return
	}
	todos, err := r.almacen.Productos(p.Context(), buscar)
	rest.Answer(w, p, http.StatusOK, todos, err)
}

// LeerBalance implements api.ServerInterface.
func (r recursos) LeerBalance(w http.ResponseWriter, p *http.Request) {
	lineas, err := r.almacen.Balance(p.Context())
	rest.Answer(w, p, http.StatusOK, lineas, err)
}

// LeerProducto implements api.ServerInterface.
func (r recursos) LeerProducto(w http.ResponseWriter, p *http.Request, id api.Id) {
	var v contracts.Validador
	v.Identificador("id", id)
	if err := v.Error(); err != nil {
		rest.EscribirError(w, p, err)
		return
	}
	producto, err := r.almacen.Producto(p.Context(), id)
	rest.Answer(w, p, http.StatusOK, producto, err)
}

// ReponerProducto implements api.ServerInterface.
func (r recursos) ReponerProducto(w http.ResponseWriter, p *http.Request, id api.Id, params api.ReponerProductoParams) {
	pedido, err := rest.Leer[contracts.Reposicion](w, p)
	if err == nil {
		err = productos.ValidarReposicion(id, pedido.Cantidad)
	}
	clave := uuid.NewString() // a request without a key is its own
	if err == nil && params.IdempotencyKey != nil {
		var v contracts.Validador
		clave = *params.IdempotencyKey
		v.IdempotencyKey("Idempotency-Key", clave)
		err = v.Error()
	}
	if err != nil {
		rest.EscribirError(w, p, err)
		return
	}
	producto, err := r.almacen.Reponer(p.Context(), id, pedido.Cantidad, clave)
	rest.Answer(w, p, http.StatusOK, producto, err)
}
