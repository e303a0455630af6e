// Package ordenes is what an order is and what may be done with it. It decides and does no I/O; package postgres does
// what is decided here, in one transaction each.
//
// ordenes owns the fact whether an order left the house: where a dispatch and a cancellation meet, what it stored
// first holds, and both sides are told so (docs/adr/who-owns-a-fact-decides.md).
package ordenes

import (
	"context"
	"fmt"

	"entregas/contracts"
)

// Orden is the order of a purchase: what is sent to whom.
type Orden = contracts.Orden

// Reply is what ordenes answers to a command. Every one of them is final.
type Reply struct {
	Tipo   contracts.MessageType
	Motivo string // in Spanish, for a person; empty when there is nothing to say
}

// Publish hands an event to the broker.
type Publish func(ctx context.Context, kind contracts.MessageType, data contracts.DatosEventoOrden) error

// Validate says what is wrong with a command's data: nil or an *contracts.ValidationError.
func Validate(kind contracts.MessageType, d contracts.DatosComandoOrden) error {
	var v contracts.Validator
	v.IDCompra("id_compra", d.IDCompra)
	if kind == contracts.CrearOrden || d.IDUsuario != "" {
		v.Identifier("id_usuario", d.IDUsuario)
	}
	if contracts.Swapped(d.IDCompra, d.IDUsuario) {
		v.Fail("id_compra", "parece el id del cliente")
	}
	if kind == contracts.CrearOrden {
		v.Lineas("productos", d.Productos)
	} else {
		v.LineasIfAny("productos", d.Productos)
	}
	return v.Error()
}

// ValidateID requires the UUID of an order or a purchase.
func ValidateID(field, id string) error {
	var v contracts.Validator
	v.IDCompra(field, id)
	return v.Error()
}

// Create decides whether a customer who has so many orders open gets one more; maximum is how many may be open.
// cancelled tells that the rollback overtook it: what nobody wants any more is not made (docs/adr/rollback-may-come-first.md).
func Create(openOnes, maximum int, cancelled bool) Reply {
	switch {
	case cancelled:
		return Reply{Tipo: contracts.OrdenRechazada, Motivo: "La orden ya se había cancelado."}
	case openOnes >= maximum:
		return Reply{Tipo: contracts.OrdenRechazada, Motivo: fmt.Sprintf("El cliente ya tiene %d órdenes abiertas; puede tener a lo sumo %d.", openOnes, maximum)}
	default:
		return Reply{Tipo: contracts.OrdenCreada}
	}
}

// Cancelar decides what becomes of an order whose purchase is rolled back. o is nil when there is none: the rollback
// then only closes the door for a CrearOrden that is still under way. What was dispatched stays so, and the one who
// asked is told.
func Cancelar(o *Orden) Reply {
	if o != nil && o.Estado == contracts.EstadoOrdenDespachada {
		return Reply{Tipo: contracts.OrdenDespachada, Motivo: "La orden ya se había despachado."}
	}
	return Reply{Tipo: contracts.OrdenCancelada}
}

// Despacho is what dispatching an order comes to.
type Despacho int

// The outcomes. A second dispatch changes nothing and is no mistake: it is asked again where the answer was lost.
const (
	CanDespachar Despacho = iota
	AlreadyDispatched
	CannotDespachar // it is cancelled
)

// Despachar decides whether the order leaves the house.
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
