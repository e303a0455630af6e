// Package compras has what gestor-compra decides about purchases, without I/O. What a valid purchase is, contracts says.
package compras

import (
	"cmp"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/workflows/compra"
)

// OccupiedPlaces are the states in which a purchase holds one of the places that the dispatcher gives out
// (docs/adr/accept-then-start-by-priority.md): those that the steps of the saga enter, and COMPENSANDO.
var OccupiedPlaces = append(compra.Entered(), contracts.EstadoCompensando)

// InTheSaga are the states in which the saga has not come to its end, those in which it undoes included.
var InTheSaga = append(slices.Clone(compra.InFlight), contracts.EstadoCompensando)

// Open are the states of a purchase that is not at its end. One whose order has not left is not.
var Open = append(slices.Clone(InTheSaga), contracts.EstadoConfirmada)

// Tramite is something that a person began for a confirmed purchase, whose workflow is to be started.
type Tramite struct {
	contracts.SolicitudCompra
	Tipo   string
	Motivo string
}

// Turn is a purchase whose workflow is to be started.
type Turn = contracts.SolicitudCompra

// Places are what the dispatcher gives out, and to whom: docs/adr/fair-admission.md.
type Places struct {
	Total       int           // purchases in flight at most, over all replicas
	PerCustomer int           // of them, those of one customer
	HeadStart   time.Duration // within which home delivery goes first; no purchase waits longer behind a later one
	Lease       time.Duration // within which a purchase that was given out must have started
}

// OpenLimit is how many purchases a customer may have that are not at their end, those with an order that has not left included.
type OpenLimit struct {
	Max int
	// Rechazar takes one more in as RECHAZADA: a sender behind the broker gets no answer. Else it is not taken in.
	Rechazar bool
}

// Published says up to which number a purchase's history has been published.
type Published struct {
	IDCompra string
	Until    int
}

// Change is a change of state.
type Change struct {
	IDCompra  string
	To        contracts.Estado
	From      []contracts.Estado
	Tipo      contracts.MessageType // the message behind it
	Detalle   string
	Motivo    string
	Faltantes []contracts.Faltante
	IDOrden   string
	// UnlessCancelled makes the change only while nobody asked to cancel.
	UnlessCancelled bool
}

// details is what a message means to a customer, where it is none of the saga's.
var details = map[contracts.MessageType]string{
	contracts.CrearCompra:    "Recibimos su compra.",
	contracts.CancelarCompra: "Se pidió cancelarla.",
}

// Detalle tells a customer what a message means.
func Detalle(t contracts.MessageType) string { return cmp.Or(details[t], compra.Detail(t)) }
