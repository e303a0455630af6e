package saga

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/logging"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// The types of the entries in the history about an approval.
const (
	compraApproved    contracts.MessageType = "CompraAprobada"
	aprobacionExpired contracts.MessageType = "AprobacionExpirada"
	stockWanted       contracts.MessageType = "ExistenciasPedidas" // another purchase lacked the units
)

// AskForAprobacion implements compra.Activities. The purchase has no place while it waits for approval.
func (s *Saga) AskForAprobacion(ctx context.Context, c contracts.SolicitudCompra) (compra.Outcome, error) {
	ctx = logging.WithCompra(ctx, c.ID)
	next := compra.AfterApproval()
	// In a workflow that was replaced, the command of the next step may be recorded already: the purchase was approved or
	// needed no approval.
	if asked, err := s.store.LoadStep(ctx, c.ID, next.Command); err != nil || asked != nil {
		return compra.Outcome{Result: compra.Accepted}, err
	}
	view, moved, err := s.store.Move(ctx,
		compras.Change{
			IDCompra: c.ID, To: next.Enters, From: next.From,
			Tipo: next.Cause, Detalle: compras.Detalle(next.Cause), UnlessCancelled: true,
		},
		compras.Change{
			IDCompra: c.ID, To: contracts.EstadoPorAprobar, From: []contracts.Estado{next.Enters},
			Tipo: next.Cause, Detalle: fmt.Sprintf("Espera que un operador la apruebe. Retiene %d unidades hasta %s.", c.Unidades(), inWords(s.settings.AprobacionDeadline)), UnlessCancelled: true,
		})
	if err != nil {
		return compra.Outcome{}, err
	}
	if moved {
		s.broadcaster.Broadcast(view)
		s.onChange()
	}
	switch {
	case view.Estado == contracts.EstadoPorAprobar:
		// A workflow that was replaced finds an earlier decision.
		return s.ReadDecision(ctx, compra.DecisionReading{IDCompra: c.ID})
	case view.Estado == next.Enters, slices.Contains(next.From, view.Estado): // only a requested cancellation prevents the change
		return s.cancelled(ctx, c.ID, false)
	case compra.IsPast(view.Estado, next.In): // next was added to the table after the purchase had gone beyond it
		return compra.Outcome{Result: compra.Accepted}, nil
	default:
		return compra.Outcome{Result: compra.Finished}, nil
	}
}

// ReadDecision implements compra.Activities.
func (s *Saga) ReadDecision(ctx context.Context, l compra.DecisionReading) (compra.Outcome, error) {
	if l.Expired {
		if _, _, err := s.store.Decide(ctx, l.IDCompra, compras.Decision{Decision: compras.Expired}); err != nil {
			return compra.Outcome{}, err
		}
	}
	d, err := s.store.DeliverDecision(ctx, l.IDCompra)
	if err != nil {
		return compra.Outcome{}, err
	}
	switch d.Decision {
	case compras.NoDecision:
		return compra.Outcome{Result: compra.Pending}, nil
	case compras.Aprobada:
		c, err := s.store.RecordFact(actor.With(ctx, d.By), l.IDCompra, "Aprobacion", compraApproved, "Un operador la aprobó.")
		if err != nil {
			return compra.Outcome{}, err
		}
		s.broadcaster.Broadcast(c)
		return compra.Outcome{Result: compra.Accepted}, nil
	case compras.Cancelled:
		return compra.Outcome{Result: compra.Cancelled, Motivo: d.Motivo}, nil
	case compras.Refused:
		return compra.Outcome{Result: compra.Refused, Reply: compras.AprobacionDenied, Motivo: "Un operador no la aprobó. " + d.Motivo}, nil
	case compras.Expired:
		return compra.Outcome{Result: compra.Refused, Reply: aprobacionExpired, Motivo: "Nadie la aprobó a tiempo."}, nil
	default:
		return compra.Outcome{}, fmt.Errorf("unknown decision: %s", d.Decision)
	}
}

// tellWanted adds an entry to the history of each purchase that waits for approval and holds units that a refused purchase
// lacked. The entry says when the purchase now expires. Errors are only logged: the next refusal adds the missing entries.
func (s *Saga) tellWanted(ctx context.Context, faltantes []contracts.Faltante) {
	holders, err := s.store.Wanted(ctx, faltantes)
	if err != nil {
		slog.WarnContext(ctx, "the holders of wanted units were not found", "error", err)
	}
	for _, h := range holders {
		ctx := logging.WithCompra(ctx, h.ID)
		c, err := s.store.RecordFact(ctx, h.ID, compras.StepWanted, stockWanted,
			fmt.Sprintf("A otra compra le faltó algo de las %d unidades que esta retiene: si nadie la aprueba, se liberan desde %s.", h.Unidades(), inWords(s.settings.WantedStock)))
		if err != nil {
			slog.WarnContext(ctx, "a holder of wanted units was not told", "error", err)
			continue
		}
		s.broadcaster.Broadcast(c)
	}
}

// inWords returns the instant at which d has passed, in Spanish for a person.
func inWords(d time.Duration) string {
	return time.Now().Add(d).UTC().Format("el 02/01/2006 a las 15:04 UTC")
}
