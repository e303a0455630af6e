// Package compra has the workflows of a purchase: its saga, its dispatch and its cancellation.
// The table in steps.go has one row for each step: the command, the replies, and the rollback. A workflow acts on the world
// through the interface Activities, which services/gestor-compra/saga implements.
//
// The engine replays a workflow. So a workflow reads no clock, no random number and no map in its order, and does no I/O. The
// names of activities and the order of the calls must not change. TestHistoriesReplay replays the runs in testdata/histories.
package compra

import (
	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// Compra is the saga. It takes a purchase from RECIBIDA to CONFIRMADA. When a step fails, it undoes the steps that were done, and
// the purchase ends RECHAZADA, CANCELADA or FALLIDA.
func Compra(ctx *workflow.WorkflowContext) (any, error) {
	r, err := begin(ctx, InFlight)
	if err != nil {
		return nil, err
	}
	r.do(Inventario)
	r.do(Reserva)
	if r.input.RequiresAprobacion() {
		r.Aprobacion()
	}
	r.do(Orden)
	return r.End()
}

// Aprobacion waits for an operator's decision about a large purchase, for at most Settings.AprobacionDeadline.
func (r *walk) Aprobacion() {
	if r.stopped() {
		return
	}
	var d Outcome
	err := r.call(aprobacionName, r.input.Compra, &d)
	for deadline := r.ctx.CurrentTimeUTC().Add(r.input.Settings.AprobacionDeadline); err == nil && d.Result == Pending; {
		// The event only wakes the workflow. The row of the first decision tells what was decided (docs/adr/who-owns-a-fact-decides.md).
		expired := r.wait(DecisionEvent, deadline)
		err = r.call(decisionName, DecisionReading{IDCompra: r.input.Compra.ID, Expired: expired}, &d)
	}
	if err != nil {
		d = Outcome{Result: NoReply}
	}
	r.proceed(d, contracts.MessageType("Aprobacion"))
}
