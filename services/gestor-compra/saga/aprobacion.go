package saga

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/internal/logging"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// What the history tells when an operator, or time, decided.
const (
	compraApproved    contracts.MessageType = "CompraAprobada"
	aprobacionDenied  contracts.MessageType = "AprobacionNegada"
	aprobacionExpired contracts.MessageType = "AprobacionExpirada"
	stockWanted       contracts.MessageType = "ExistenciasPedidas" // others want what it holds
)

// AskForAprobacion implements compra.Activities. The purchase gives its place to another while it waits for a person.
func (s *Saga) AskForAprobacion(ctx context.Context, c contracts.SolicitudCompra) (compra.Outcome, error) {
	ctx = logging.WithCompra(ctx, c.ID)
	next := compra.AfterApproval()
	// A workflow that starts again may find that the next step was asked: it was approved, or needed no approval by the settings of then.
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
		// A workflow that starts again finds what was decided before.
		return s.ReadDecision(ctx, compra.DecisionReading{IDCompra: c.ID})
	case view.Estado == next.Enters, slices.Contains(next.From, view.Estado): // it did not move because of that alone
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
		c, err := s.store.RecordFact(ctx, l.IDCompra, "Aprobacion", compraApproved, "Un operador la aprobó.")
		if err != nil {
			return compra.Outcome{}, err
		}
		s.broadcaster.Broadcast(c)
		return compra.Outcome{Result: compra.Accepted}, nil
	case compras.Cancelled:
		return compra.Outcome{Result: compra.Cancelled, Motivo: d.Motivo}, nil
	case compras.Refused:
		return compra.Outcome{Result: compra.Refused, Reply: aprobacionDenied, Motivo: "Un operador no la aprobó. " + d.Motivo}, nil
	case compras.Expired:
		return compra.Outcome{Result: compra.Refused, Reply: aprobacionExpired, Motivo: "Nadie la aprobó a tiempo."}, nil
	default:
		return compra.Outcome{}, fmt.Errorf("decisión desconocida: %s", d.Decision)
	}
}

// tellWanted tells in the history of those that await approval that another was refused for want of what they hold, and until
// when they hold it now. What it could not tell the next refusal tells: no purchase waits for it.
func (s *Saga) tellWanted(ctx context.Context, faltantes []contracts.Faltante) {
	holders, err := s.store.Wanted(ctx, faltantes)
	if err != nil {
		slog.WarnContext(ctx, "quién retiene lo que falta", "error", err)
	}
	for _, h := range holders {
		ctx := logging.WithCompra(ctx, h.ID)
		c, err := s.store.RecordFact(ctx, h.ID, compras.StepWanted, stockWanted,
			fmt.Sprintf("A otra compra le faltó algo de las %d unidades que esta retiene: si nadie la aprueba, se liberan desde %s.", h.Unidades(), inWords(s.settings.WantedStock)))
		if err != nil {
			slog.WarnContext(ctx, "otros quieren lo que espera aprobación", "error", err)
			continue
		}
		s.broadcaster.Broadcast(c)
	}
}

// inWords is the instant so long from now, for a person.
func inWords(d time.Duration) string {
	return time.Now().Add(d).UTC().Format("el 02/01/2006 a las 15:04 UTC")
}
