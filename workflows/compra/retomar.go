package compra

import (
	"time"

	"entregas/contracts"
)

// ParaDeshacer is the input of a Compra whose walk was lost on the way: the run begins by undoing every step, done or not,
// since a rollback of what was not done is harmless (decision 2). final is where it ends, CANCELADA or RECHAZADA; desde,
// from when on the time for it counts.
func ParaDeshacer(c contracts.SolicitudCompra, a Ajustes, final contracts.Estado, motivo string, desde time.Time) Entrada {
	causa := contracts.CrearOrden
	if final == contracts.EstadoCancelada {
		causa = contracts.CancelarCompra
	}
	return Entrada{Compra: c, Ajustes: a, Retomada: &compensacion{
		Pendientes: []contracts.Tipo{contracts.CancelarValidacionInventario, contracts.LiberarReserva, contracts.CancelarOrden},
		Fin: Cierre{
			IDCompra: c.ID, Estado: final, Causa: causa, Motivo: motivo, Desde: append(en(contracts.EstadoCompensando), enCurso...),
		},
		Desde: desde,
	}}
}
