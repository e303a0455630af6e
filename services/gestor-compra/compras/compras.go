// Package compras has the types and rules of gestor-compra, without I/O. Package contracts says what a valid purchase is.
package compras

import (
	"slices"
	"time"

	"entregas/contracts"
	"entregas/workflows/compra"
)

// OccupiedPlaces are the states in which a purchase has one of the places that the admission gives out
// (docs/adr/accept-then-start-by-priority.md): the states that the steps of the saga enter, and COMPENSANDO.
var OccupiedPlaces = append(compra.Entered(), contracts.EstadoCompensando)

// InTheSaga are the states in which the saga of a purchase has not ended; COMPENSANDO is one of them.
var InTheSaga = append(slices.Clone(compra.InFlight), contracts.EstadoCompensando)

// Open are the states of a purchase that is not at its end. A confirmed purchase whose order has not left is open.
var Open = append(slices.Clone(InTheSaga), contracts.EstadoConfirmada)

// Tramite is a cancellation or a dispatch of a confirmed purchase, whose workflow must be started.
type Tramite struct {
	contracts.SolicitudCompra
	Tipo   string
	Motivo string
}

// Turn is a purchase whose workflow must be started.
type Turn = contracts.SolicitudCompra

// Places are the limits by which the admission gives out places (docs/adr/fair-admission.md).
type Places struct {
	Total       int           // purchases in flight, over all replicas
	PerCustomer int           // purchases in flight of one customer
	HeadStart   time.Duration // how much older a purchase with home delivery counts
	Lease       time.Duration // how long a purchase that was given out may take to start
}

// OpenLimit is the limit for the open purchases of one customer.
type OpenLimit struct {
	Max int
	// Rechazar decides about a purchase above the limit. If it is set, the purchase is stored as RECHAZADA, since the sender
	// of a message gets no answer. If not, the purchase is not stored, and the caller gets Conflict.
	Rechazar bool
}

// Published says that the history of a purchase has been published up to a number.
type Published struct {
	IDCompra string
	Until    int
}

// Change is a change of state of a purchase, with its entry in the history.
type Change struct {
	IDCompra  string
	To        contracts.Estado
	From      []contracts.Estado    // the states in which the change may be made
	Tipo      contracts.MessageType // the message that caused it
	Detalle   string
	Motivo    string
	Faltantes []contracts.Faltante
	IDOrden   string
	By        contracts.Actor // who made the change; where it is zero, the store looks up who asked for it
	// UnlessCancelled allows the change only while no cancellation is requested.
	UnlessCancelled bool
}

// Detalle returns the text for the customer about a message, in Spanish.
func Detalle(t contracts.MessageType) string { return compra.Detail(t) }
