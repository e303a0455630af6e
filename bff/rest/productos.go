package rest

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/services/bff/rest/contrato"
	"entregas/services/internal/rest"
)

// Productos is the service that owns products and stock.
type Productos interface {
	Listar(ctx context.Context) ([]contracts.Producto, error)
	Leer(ctx context.Context, id string) (contracts.Producto, error)
	// Reponer adds to the stock, once for each clave.
	Reponer(ctx context.Context, id string, cantidad int, clave string) (contracts.Producto, error)
}

// ListarProductos implements contrato.ServerInterface.
func (s Servidor) ListarProductos(w http.ResponseWriter, r *http.Request) {
	lista, err := s.Productos.Listar(r.Context())
	responder(w, r, http.StatusOK, lista, err)
}

// LeerProducto implements contrato.ServerInterface.
func (s Servidor) LeerProducto(w http.ResponseWriter, r *http.Request, id contrato.Id) {
	var v contracts.Validador
	v.Identificador("id", id)
	if err := v.Error(); err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	producto, err := s.Productos.Leer(r.Context(), id)
	responder(w, r, http.StatusOK, producto, err)
}

// ReponerProducto implements contrato.ServerInterface.
func (s Servidor) ReponerProducto(w http.ResponseWriter, r *http.Request, id contrato.Id, params contrato.ReponerProductoParams) {
	pedida, err := rest.Leer[contrato.Reposicion](w, r)
	if err == nil {
		var v contracts.Validador
		v.Identificador("id", id)
		v.Cantidad("cantidad", pedida.Cantidad)
		err = v.Error()
	}
	clave, deClave := claveDe(params.IdempotencyKey)
	if err == nil {
		err = deClave
	}
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	if clave == "" {
		clave = uuid.NewString()
	}
	producto, err := s.Productos.Reponer(r.Context(), id, pedida.Cantidad, clave)
	responder(w, r, http.StatusOK, producto, err)
}
