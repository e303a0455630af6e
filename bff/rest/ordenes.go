package rest

import (
	"context"
	"net/http"

	"entregas/contracts"
	"entregas/services/bff/rest/contrato"
	"entregas/services/internal/rest"
)

// Ordenes is the service that owns orders.
type Ordenes interface {
	Leer(ctx context.Context, id string) (contracts.Orden, error)
	Despachar(ctx context.Context, id string) (contracts.Orden, error)
}

// LeerOrden implements contrato.ServerInterface.
func (s Servidor) LeerOrden(w http.ResponseWriter, r *http.Request, id contrato.Id) {
	conOrden(w, r, id, s.Ordenes.Leer)
}

// DespacharOrden implements contrato.ServerInterface.
func (s Servidor) DespacharOrden(w http.ResponseWriter, r *http.Request, id contrato.Id) {
	conOrden(w, r, id, s.Ordenes.Despachar)
}

func conOrden(w http.ResponseWriter, r *http.Request, id string, hacer func(context.Context, string) (contracts.Orden, error)) {
	var v contracts.Validador
	v.IDCompra("id", id) // an order's id has the same form
	if err := v.Error(); err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	orden, err := hacer(r.Context(), id)
	responder(w, r, http.StatusOK, orden, err)
}
