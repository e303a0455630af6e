package compra

import (
	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// Despacho is the workflow of a purchase whose order has left the warehouse. It tells admin-productos, and the purchase ends DESPACHADA.
func Despacho(ctx *workflow.WorkflowContext) (any, error) {
	r, err := begin(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, more := r.insist(Salida)
	if !more {
		return nil, nil
	}
	return nil, r.finish(TramiteDespacho, d)
}

// Cancelacion is the workflow that cancels a confirmed purchase. ordenes refuses it where the order has left the warehouse.
func Cancelacion(ctx *workflow.WorkflowContext) (any, error) {
	r, err := begin(ctx, inAnyOf(contracts.EstadoConfirmada))
	if err != nil {
		return nil, err
	}
	d := Outcome{Result: Accepted}
	if !r.input.undoing() {
		var more bool
		d, more = r.insist(Anulacion)
		if !more {
			return nil, nil
		}
		if d.Result == Accepted {
			r.undo = rollbacks(Orden.Command, r.input.Version)
			r.stop(contracts.EstadoCancelada, contracts.CancelarCompra, r.input.Motivo, nil)
		}
	}
	if _, err := r.End(); err != nil || r.handedOver {
		return nil, err
	}
	return nil, r.finish(TramiteCancelacion, d)
}

// insist repeats the command of s until there is a reply, without a deadline. A refusal of a rollback that may not be refused
// does not count as a reply. insist reports false when a new run of the instance goes on.
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
		IDCompra: r.input.Compra.ID, Tipo: kind, Done: d.Result == Accepted, Motivo: d.Motivo,
	}, nil)
}
