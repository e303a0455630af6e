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
	Since  time.Time // since when it is in Estado
	Motivo string    // of its cancellation or its compensation
	// What a compensation has to end with; used in COMPENSANDO only.
	Cancelled bool                  // somebody asked to cancel the purchase
	Cause     contracts.MessageType // the message because of which all is undone
	Faltantes []contracts.Faltante
}

// lostCause is the cause of a compensation that the history does not tell.
const lostCause = contracts.CrearOrden

// Resume is the input of a workflow that goes on where the purchase stands, under the name run; docs/adr/stalled-sagas.md says why.
// The saga walks from its beginning, and a step whose reply is recorded is passed without asking. In COMPENSANDO it begins
// by undoing every step, done or not, since a rollback of what was not done is harmless; the time for it goes on counting from Since,
// and so does the time for an approval. now is the clock.
func Resume(p Progress, a Settings, run string, now time.Time) Input {
	e := Input{Compra: p.SolicitudCompra, Settings: a, Version: Version, Motivo: p.Motivo, Run: run}
	switch p.Estado {
	case contracts.EstadoPorAprobar:
		e.Settings.AprobacionThreshold = 0 // it awaits an approval, whatever the threshold is by now
		e.Settings.AprobacionDeadline = max(0, a.AprobacionDeadline-now.Sub(p.Since))
	case contracts.EstadoCompensando:
		e.Resumed = undoAll(p)
	}
	return e
}

func undoAll(p Progress) *compensation {
	final, cause := contracts.EstadoRechazada, p.Cause
	if p.Cancelled {
		final, cause = contracts.EstadoCancelada, contracts.CancelarCompra
	}
	if cause == "" {
		cause = lostCause
	}
	motivo := cmp.Or(p.Motivo, "La compra se detuvo y se deshizo.")
	return &compensation{
		Pendientes: rollbacks("", Version),
		End: Ending{
			IDCompra: p.ID, Estado: final, Cause: cause, Motivo: motivo, Faltantes: p.Faltantes,
			From: append(inAnyOf(contracts.EstadoCompensando), InFlight...),
		},
		From: p.Since,
	}
}
