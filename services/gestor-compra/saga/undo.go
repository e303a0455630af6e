package saga

import (
	"context"
	"fmt"
	"log/slog"

	"entregas/contracts"
	"entregas/internal/logging"
	"entregas/services/gestor-compra/anchors"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// Undo implements compra.Activities.
func (s *Saga) Undo(ctx context.Context, r compra.Rollback) (compra.Outcome, error) {
	ctx = logging.WithCompra(ctx, r.Compra.ID)
	wakeup, release := s.wakeups.Wait(r.Compra.ID, r.Command)
	defer release()
	posed, err := s.store.Pose(ctx, compras.Change{
		IDCompra: r.Compra.ID, To: contracts.EstadoCompensando, From: r.From, Tipo: r.Cause, Motivo: r.Motivo, Detalle: r.Motivo,
	}, r.Command, []contracts.Estado{contracts.EstadoCompensando}, true)
	if err != nil {
		return compra.Outcome{}, err
	}
	if posed.Moved {
		s.broadcaster.Broadcast(posed.Compra)
	}
	if posed.Step == nil {
		return compra.Outcome{}, fmt.Errorf("purchase %s is in %s and cannot be rolled back", r.Compra.ID, posed.Compra.Estado)
	}
	anchors.Posed(ctx, posed.Step.PreguntadaEn)
	step, err := s.askAndWait(ctx, posed.Compra, r.Command, posed.Step, wakeup, forOneRound(s.settings.RollbackDelay))
	if err != nil {
		return compra.Outcome{}, err
	}
	switch {
	case step.Reply == nil:
		return compra.Outcome{Result: compra.NoReply, Asked: true}, nil
	case compra.Dispatched(r.Command, step.Reply.Tipo):
		return compra.Outcome{Result: compra.Refused, Asked: true, Reply: step.Reply.Tipo, IDOrden: step.Reply.IDOrden}, nil
	case compra.TroubleUndoing(r.Command, step.Reply.Tipo):
		return s.refused(ctx, r.Compra.ID, r.Command, step.Reply)
	}
	if err := s.recordUndone(ctx, r.Compra.ID, r.Command, step); err != nil {
		return compra.Outcome{}, err
	}
	return compra.Outcome{Result: compra.Accepted, Asked: true}, nil
}

// refused returns the outcome of a rollback that its participant refused without the right to do so. Only ordenes may say that a
// purchase has left. A refusal of another participant is trouble: refused records it in the history and reopens the step, so
// that the command is sent again.
func (s *Saga) refused(ctx context.Context, idCompra string, rollback contracts.MessageType, reply *compras.Reply) (compra.Outcome, error) {
	slog.ErrorContext(ctx, "rollback refused", "command", rollback, "reply", reply.Tipo, "motivo", reply.Motivo)
	c, err := s.store.RecordFact(ctx, idCompra, "ReversaNegada", reply.Tipo, "Al deshacer ("+string(rollback)+") se respondió "+string(reply.Tipo)+": se pregunta de nuevo.")
	if err != nil {
		return compra.Outcome{}, err
	}
	s.broadcaster.Broadcast(c)
	if err := s.store.Reopen(ctx, idCompra, rollback); err != nil {
		return compra.Outcome{}, err
	}
	return compra.Outcome{Result: compra.NoReply, Asked: true, Reply: reply.Tipo}, nil
}

// recordUndone adds an entry to the history about a confirmed rollback.
func (s *Saga) recordUndone(ctx context.Context, idCompra string, rollback contracts.MessageType, step *compras.Step) error {
	c, err := s.store.RecordFact(ctx, idCompra, string(rollback), step.Reply.Tipo, compras.Detalle(step.Reply.Tipo))
	if err != nil {
		return err
	}
	s.broadcaster.Broadcast(c)
	return nil
}
