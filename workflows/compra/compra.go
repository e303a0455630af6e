// Package compra is the saga of a purchase and nothing else: read top to bottom it is the business process.
// What a step asks, and what undoes it, is a row of the table in steps.go. What the steps do to the world is in
// services/gestor-compra/saga, behind the interface Activities.
//
// A workflow is replayed: no clock, no random, no map order, no I/O; a name once given to an activity stays, and so does
// the order in which they are called. testdata/histories holds recorded runs that must go on replaying.
package compra

import (
	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// Compra takes a purchase from RECIBIDA to CONFIRMADA, or undoes what was done and ends it RECHAZADA or CANCELADA.
func Compra(ctx *workflow.WorkflowContext) (any, error) {
	var e Input
	if err := ctx.GetInput(&e); err != nil {
		return nil, err
	}
	r := newWalk(ctx, e, InFlight)
	r.do(Inventario)
	r.do(Reserva)
	if e.RequiresAprobacion() {
		r.Aprobacion()
	}
	r.do(Orden)
	return r.End()
}

// Aprobacion waits until an operator has decided about a large purchase, at most AprobacionDeadline.
func (r *walk) Aprobacion() {
	if r.stopped() {
		return
	}
	var d Outcome
	err := r.call(aprobarName, r.input.Compra, &d)
	for deadline := r.ctx.CurrentTimeUTC().Add(r.input.Settings.AprobacionDeadline); err == nil && d.Result == Pendiente; {
		// The event only wakes: what counts is the row that the first decision left (docs/adr/who-owns-a-fact-decides.md).
		expired := r.wait(DecisionEvent, deadline)
		err = r.call(decisionName, DecisionReading{IDCompra: r.input.Compra.ID, Expired: expired}, &d)
	}
	if err != nil {
		d = Outcome{Result: NoReply}
	}
	r.proceed(d, contracts.MessageType("Aprobacion"))
}
