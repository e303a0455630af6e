package compra

import (
	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// Despacho follows an order that has left the warehouse: what was reserved for it is gone, and the purchase DESPACHADA.
func Despacho(ctx *workflow.WorkflowContext) (any, error) {
	var e Entrada
	if err := ctx.GetInput(&e); err != nil {
		return nil, err
	}
	r := nuevoRecorrido(ctx, e, nil)
	d, sigue := r.insistir(Salida)
	if !sigue {
		return nil, nil
	}
	return nil, r.terminar(TramiteDespacho, d)
}

// Cancelacion undoes a purchase that is confirmed, if its order has not left the warehouse: ordenes decides.
func Cancelacion(ctx *workflow.WorkflowContext) (any, error) {
	var e Entrada
	if err := ctx.GetInput(&e); err != nil {
		return nil, err
	}
	r := nuevoRecorrido(ctx, e, en(contracts.EstadoConfirmada))
	d := Desenlace{Resultado: Aceptada}
	if !e.deshaciendo() {
		var sigue bool
		d, sigue = r.insistir(Anulacion)
		if !sigue {
			return nil, nil
		}
		if d.Resultado == Aceptada {
			r.deshacer = rollbacks(Orden.Command, e.Version)
			r.detener(contracts.EstadoCancelada, contracts.CancelarCompra, e.Motivo, nil)
		}
	}
	if _, err := r.Fin(); err != nil || r.relevado {
		return nil, err
	}
	return nil, r.terminar(TramiteCancelacion, d)
}

// insistir asks until there is an answer, however long it takes. A participant that refuses a rollback and may not has given none.
// It reports false when it handed over to a new run.
func (r *recorrido) insistir(s Step) (Desenlace, bool) {
	c := compensacion{Desde: r.ctx.CurrentTimeUTC()}
	if r.entrada.Retomada != nil {
		c = *r.entrada.Retomada
	}
	for enEstaCorrida := 1; ; enEstaCorrida++ {
		var d Desenlace
		err := r.llamar(nombrePreguntar, s.Question(r.entrada.Compra), &d)
		if err == nil && d.Resultado != SinRespuesta && !TroubleUndoing(s.Command, d.Respuesta) {
			return d, true
		}
		if !r.dormir(&c, enEstaCorrida) {
			return d, false
		}
	}
}

func (r *recorrido) terminar(tipo string, d Desenlace) error {
	return r.llamar(nombreTerminar, Tramite{
		IDCompra: r.entrada.Compra.ID, Tipo: tipo, Hecho: d.Resultado == Aceptada, Motivo: d.Motivo,
	}, nil)
}
