package compra

import (
	"cmp"
	"time"

	"entregas/contracts"
)

// Progress is what the database knows of a purchase whose workflow has to start again.
type Progress struct {
	contracts.SolicitudCompra
	Estado contracts.Estado
	Desde  time.Time // since when it is in Estado
	Motivo string    // of its cancellation or its compensation
	// What a compensation has to end with; used in COMPENSANDO only.
	Cancelled bool           // somebody asked to cancel the purchase
	Causa     contracts.Tipo // the message because of which all is undone
	Faltantes []contracts.Faltante
}

// lostCause is the cause of a compensation that the history does not tell.
const lostCause = contracts.CrearOrden

// Resume is the input of a workflow that goes on where the purchase stands, under the name run; docs/adr/stalled-sagas.md says why.
// The saga walks from its beginning, and a step whose reply is recorded is passed without asking. In COMPENSANDO it begins
// by undoing every step, done or not, since a rollback of what was not done is harmless; the time for it goes on counting from Desde,
// and so does the time for an approval. now is the clock.
func Resume(p Progress, a Ajustes, run string, now time.Time) Entrada {
	e := Entrada{Compra: p.SolicitudCompra, Ajustes: a, Version: Version, Motivo: p.Motivo, Run: run}
	switch p.Estado {
	case contracts.EstadoPorAprobar:
		e.Ajustes.UmbralAprobacion = 0 // it awaits an approval, whatever the threshold is by now
		e.Ajustes.PlazoAprobacion = max(0, a.PlazoAprobacion-now.Sub(p.Desde))
	case contracts.EstadoCompensando:
		e.Retomada = undoAll(p)
	}
	return e
}

func undoAll(p Progress) *compensacion {
	final, causa := contracts.EstadoRechazada, p.Causa
	if p.Cancelled {
		final, causa = contracts.EstadoCancelada, contracts.CancelarCompra
	}
	if causa == "" {
		causa = lostCause
	}
	motivo := cmp.Or(p.Motivo, "La compra se detuvo y se deshizo.")
	return &compensacion{
		Pendientes: rollbacks("", Version),
		Fin: Cierre{
			IDCompra: p.ID, Estado: final, Causa: causa, Motivo: motivo, Faltantes: p.Faltantes,
			Desde: append(en(contracts.EstadoCompensando), InFlight...),
		},
		Desde: p.Desde,
	}
}
