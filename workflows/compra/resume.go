package compra

import (
	"cmp"
	"time"

	"entregas/contracts"
)

// Progress is the state of a purchase whose workflow must start again, as the database has it.
type Progress struct {
	contracts.SolicitudCompra
	Estado contracts.Estado
	Since  time.Time // when the purchase entered Estado
	Motivo string    // the reason of its cancellation or its compensation
	// How the compensation must end. Resume reads these fields only for a purchase in COMPENSANDO.
	Cancelled bool                  // there is a request to cancel the purchase
	Cause     contracts.MessageType // the message that is the reason for the compensation
	Faltantes []contracts.Faltante
}

// lostCause stands for the cause of a compensation where the history has none.
const lostCause = contracts.CrearOrden

// Resume returns the input of a workflow that replaces the stalled one of p, under the name run (docs/adr/stalled-sagas.md).
// The new workflow runs from the beginning, and a step with a recorded reply sends no command. In COMPENSANDO, it first undoes
// every step: the rollback of a step that was not done is harmless. The deadlines of a compensation and of an approval count from
// p.Since. now is the present time.
func Resume(p Progress, a Settings, run string, now time.Time) Input {
	e := Input{Compra: p.SolicitudCompra, Settings: a, Version: Version, Motivo: p.Motivo, Run: run}
	switch p.Estado {
	case contracts.EstadoPorAprobar:
		e.Settings.AprobacionThreshold = 0 // the purchase awaits an approval, whatever the threshold is now
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
		Pending: rollbacks("", Version),
		End: Ending{
			IDCompra: p.ID, Estado: final, Cause: cause, Motivo: motivo, Faltantes: p.Faltantes,
			From: append(inAnyOf(contracts.EstadoCompensando), InFlight...),
		},
		From: p.Since,
	}
}
