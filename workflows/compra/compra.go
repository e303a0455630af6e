// Package compra is the saga of a purchase and nothing else: read top to bottom it is the business process.
// What the steps do to the world is in services/gestor-compra/saga, behind the interface Actividades.
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
	r.Inventario()
	r.Reserva()
	if e.RequiereAprobacion() {
		r.Aprobacion()
	}
	r.Orden()
	return r.Fin()
}

// Inventario asks whether there is enough of everything.
func (r *recorrido) Inventario() {
	r.preguntar(Pregunta{
		Comando: contracts.ValidarInventario, Acepta: contracts.InventarioValidado,
		Entra: contracts.EstadoIniciada, Desde: en(contracts.EstadoRecibida), En: en(contracts.EstadoIniciada), Cancelable: true,
	}, contracts.CancelarValidacionInventario)
}

// Reserva takes the products from the stock and keeps them for this purchase.
func (r *recorrido) Reserva() {
	r.preguntar(Pregunta{
		Comando: contracts.ReservarProducto, Acepta: contracts.ProductosReservados,
		Entra: contracts.EstadoProductosValidos, Desde: en(contracts.EstadoIniciada), En: en(contracts.EstadoProductosValidos), Cancelable: true,
	}, contracts.LiberarReserva)
}

// Aprobacion waits until an operator has decided about a large purchase, at most PlazoAprobacion.
func (r *recorrido) Aprobacion() {
	if r.detenido() {
		return
	}
	var d Desenlace
	err := r.llamar(nombreAprobar, r.entrada.Compra, &d)
	for plazo := r.ctx.CurrentTimeUTC().Add(r.entrada.Ajustes.PlazoAprobacion); err == nil && d.Resultado == Pendiente; {
		// The event only wakes: what counts is the row that the first decision left (decision 10).
		vencida := r.esperar(EventoDecision, plazo)
		err = r.llamar(nombreDecision, LecturaDecision{IDCompra: r.entrada.Compra.ID, Vencida: vencida}, &d)
	}
	if err != nil {
		d = Desenlace{Resultado: SinRespuesta}
	}
	r.seguir(d, contracts.Tipo("Aprobacion"))
}

// Orden creates the order; with it the purchase is CONFIRMADA.
func (r *recorrido) Orden() {
	r.preguntar(Pregunta{
		Comando: contracts.CrearOrden, Acepta: contracts.OrdenCreada,
		Entra: contracts.EstadoProductosReservados, Desde: en(contracts.EstadoProductosValidos),
		En: en(contracts.EstadoProductosReservados, contracts.EstadoPorAprobar), Al: contracts.EstadoConfirmada, Cancelable: true,
	}, contracts.CancelarOrden)
}

// InFlight are the states of a purchase whose saga has not come to its end, in their order.
var InFlight = en(contracts.EstadoRecibida, contracts.EstadoIniciada, contracts.EstadoProductosValidos,
	contracts.EstadoProductosReservados, contracts.EstadoPorAprobar)

func en(estados ...contracts.Estado) []contracts.Estado { return estados }
