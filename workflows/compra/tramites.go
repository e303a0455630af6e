package compra

import (
	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// Despacho follows an order that has left the warehouse: what was reserved for it is gone, and the purchase DESPACHADA.
func Despacho(ctx *workflow.WorkflowContext) (any, error) {
	var e Input
	if err := ctx.GetInput(&e); err != nil {
		return nil, err
	}
	r := newWalk(ctx, e, nil)
	d, more := r.insist(Salida)
	if !more {
		return nil, nil
	}
	return nil, r.finish(TramiteDespacho, d)
}

// Cancelacion undoes a purchase that is confirmed, if its order has not left the warehouse: ordenes decides.
func Cancelacion(ctx *workflow.WorkflowContext) (any, error) {
	var e Input
	if err := ctx.GetInput(&e); err != nil {
		return nil, err
	}
	r := newWalk(ctx, e, inAnyOf(contracts.EstadoConfirmada))
	d := Outcome{Result: Aceptada}
	if !e.undoing() {
		var more bool
		d, more = r.insist(Anulacion)
		if !more {
			return nil, nil
		}
		if d.Result == Aceptada {
			r.undo = rollbacks(Orden.Command, e.Version)
			r.stop(contracts.EstadoCancelada, contracts.CancelarCompra, e.Motivo, nil)
		}
	}
	if _, err := r.End(); err != nil || r.handedOver {
		return nil, err
	}
	return nil, r.finish(TramiteCancelacion, d)
}

// insist asks until there is an answer, however long it takes. A participant that refuses a rollback and may not has given none.
// It reports false when it handed over to a new run.
func (r *walk) insist(s Step) (Outcome, bool) {
	c := compensation{From: r.ctx.CurrentTimeUTC()}
	if r.input.Resumed != nil {
		c = *r.input.Resumed
	}
	for inThisRun := 1; ; inThisRun++ {
		var d Outcome
		err := r.call(askName, s.Question(r.input.Compra), &d)
		if err == nil && d.Result != NoReply && !TroubleUndoing(s.Command, d.Reply) {
			return d, true
		}
		if !r.sleep(&c, inThisRun) {
			return d, false
		}
	}
}

func (r *walk) finish(kind string, d Outcome) error {
	return r.call(finishName, Tramite{
		IDCompra: r.input.Compra.ID, Tipo: kind, Hecho: d.Result == Aceptada, Motivo: d.Motivo,
	}, nil)
}
