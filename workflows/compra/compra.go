// Package compra is the saga of a purchase and nothing else: read top to bottom it is the business process.
// What a step asks, and what undoes it, is a row of the table in steps.go. What the steps do to the world is in
// services/gestor-compra/saga, behind the interface Actividades.
//
// A workflow is replayed: no clock, no random, no map order, no I/O; a name once given to an activity stays, and so does
// the order in which they are called. testdata/historias holds recorded runs that must go on replaying.
package compra

import (
	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// Compra takes a purchase from RECIBIDA to CONFIRMADA, or undoes what was done and ends it RECHAZADA or CANCELADA.
func Compra(ctx *workflow.WorkflowContext) (any, error) {
	var e Entrada
	if err := ctx.GetInput(&e); err != nil {
		return nil, err
	}
	r := nuevoRecorrido(ctx, e, InFlight)
	r.do(Inventario)
	r.do(Reserva)
	if e.RequiereAprobacion() {
		r.Aprobacion()
	}
	r.do(Orden)
	return r.Fin()
}

// Aprobacion waits until an operator has decided about a large purchase, at most PlazoAprobacion.
func (r *recorrido) Aprobacion() {
	if r.detenido() {
		return
	}
	var d Desenlace
	err := r.llamar(nombreAprobar, r.entrada.Compra, &d)
	for plazo := r.ctx.CurrentTimeUTC().Add(r.entrada.Ajustes.PlazoAprobacion); err == nil && d.Resultado == Pendiente; {
		// The event only wakes: what counts is the row that the first decision left (docs/adr/who-owns-a-fact-decides.md).
		vencida := r.esperar(EventoDecision, plazo)
		err = r.llamar(nombreDecision, LecturaDecision{IDCompra: r.entrada.Compra.ID, Vencida: vencida}, &d)
	}
	if err != nil {
		d = Desenlace{Resultado: SinRespuesta}
	}
	r.seguir(d, contracts.Tipo("Aprobacion"))
}
