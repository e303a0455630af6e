// Package ordenes has the rules for an order. It does no I/O: package postgres carries the decisions out.
//
// ordenes owns the fact whether an order has left the warehouse. Where a dispatch and a cancellation meet, the first one that
// is stored holds, and the answers to both say so (docs/adr/who-owns-a-fact-decides.md).
package ordenes

import (
	"context"
	"fmt"

	"entregas/contracts"
)

// Orden is the order of a purchase: its products and its customer.
type Orden = contracts.Orden

// Reply is the reply of ordenes to a command. Every reply is final.
type Reply struct {
	Tipo   contracts.MessageType
	Motivo string // in Spanish, for a person; empty when there is nothing to say
}

// Publish publishes an event and returns when the broker has stored it.
type Publish func(ctx context.Context, kind contracts.MessageType, data contracts.DatosEventoOrden) error

// Validate checks the data of a command and returns nil or a *contracts.ValidationError.
func Validate(kind contracts.MessageType, d contracts.DatosComandoOrden) error {
	var v contracts.Validator
	v.IDCompra("id_compra", d.IDCompra)
	if contracts.Swapped(d.IDCompra, d.IDUsuario) {
		v.Fail("id_compra", "parece el id del cliente")
	}
	if kind == contracts.CrearOrden {
		v.Solicitud(d.NewSolicitud())
		v.Codigo("codigo", d.Codigo)
		v.Importes(d.Importes(), d.Productos)
		return v.Error()
	}
	if d.IDUsuario != "" {
		v.Identifier("id_usuario", d.IDUsuario)
	}
	v.LineasIfAny("productos", d.Productos)
	return v.Error()
}

// ValidateID checks that id, the value of field, is a UUID. It returns nil or a *contracts.ValidationError.
func ValidateID(field, id string) error {
	var v contracts.Validator
	v.IDCompra(field, id)
	return v.Error()
}

// Create decides whether a customer with open orders gets one more; maximum is the limit. cancelled tells that the rollback
// came before the command (docs/adr/rollback-may-come-first.md): then no order is created.
func Create(open, maximum int, cancelled bool) Reply {
	switch {
	case cancelled:
		return Reply{Tipo: contracts.OrdenRechazada, Motivo: "La orden ya se había cancelado."}
	case open >= maximum:
		return Reply{Tipo: contracts.OrdenRechazada, Motivo: fmt.Sprintf("El cliente ya tiene %d órdenes abiertas; puede tener a lo sumo %d.", open, maximum)}
	default:
		return Reply{Tipo: contracts.OrdenCreada}
	}
}

// Cancelar decides the reply to the rollback of an order. A dispatched order stays so, and the reply says so. o is nil when the
// purchase has no order; that is a cancellation too, since its CrearOrden may still arrive and must then create nothing.
func Cancelar(o *Orden) Reply {
	if o != nil && o.Estado == contracts.EstadoOrdenDespachada {
		return Reply{Tipo: contracts.OrdenDespachada, Motivo: "La orden ya se había despachado."}
	}
	return Reply{Tipo: contracts.OrdenCancelada}
}

// Despacho is the outcome of a dispatch.
type Despacho int

// The outcomes of a dispatch. A second dispatch changes nothing and is no error: a client repeats its request when the answer
// was lost.
const (
	CanDespachar Despacho = iota
	AlreadyDispatched
	CannotDespachar // the order is cancelled
)

// Despachar decides whether an order in state e may leave the warehouse.
func Despachar(e contracts.EstadoOrden) Despacho {
	switch e {
	case contracts.EstadoOrdenCreada:
		return CanDespachar
	case contracts.EstadoOrdenDespachada:
		return AlreadyDispatched
	default:
		return CannotDespachar
	}
}
