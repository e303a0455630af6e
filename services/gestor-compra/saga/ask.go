package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"entregas/contracts"
	"entregas/internal/telemetry"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// delay is how long a step waits for its reply.
type delay struct {
	deadline time.Time
	// last says that the step is abandoned at the deadline, and a later reply has no effect. If it is not set, the workflow sends
	// the command again later.
	last bool
}

// stepDelay returns how long a step waits for its reply. The time counts from the first send, so that a restart does not extend it
// (docs/adr/steps-outwait-outages.md).
func (s *Saga) stepDelay(step *compras.Step) delay {
	return delay{deadline: step.PreguntadaEn.Add(s.settings.Patience), last: true}
}

// forOneRound returns the delay of one round of a step that waits until there is a reply.
func forOneRound(howLong time.Duration) delay { return delay{deadline: time.Now().Add(howLong)} }

// LookEvery is how often a step that waits looks for its reply without a wake-up, which may get lost.
//
// It is less than compras.Beat, so that a step that waits records its signs of life in time.
const LookEvery = compras.Beat / 2

// publishAgain is the pause before a step tries again to publish its command.
const publishAgain = time.Second

// askAndWait sends command and waits for its reply until the deadline of e. The step that it returns has no Reply when none
// came in time. A restarted activity finds the reply at once or sends the command again: the participant repeats its stored
// reply.
func (s *Saga) askAndWait(ctx context.Context, c contracts.Compra, command contracts.MessageType, step *compras.Step, wakeup <-chan struct{}, e delay) (*compras.Step, error) {
	nextQuestion := time.Time{} // now
	askAgainAfter := s.settings.AskAgainAfter
	beat := time.Now().Add(compras.Beat)
	for step.Reply == nil && !step.Abandoned {
		now := time.Now()
		if !now.Before(e.deadline) {
			slog.WarnContext(ctx, "no reply in time", "command", command, "posed_at", step.PreguntadaEn)
			if !e.last {
				return step, nil
			}
			return s.store.Abandon(ctx, c.ID, command)
		}
		if !now.Before(nextQuestion) {
			addressed, err := s.withDireccion(ctx, c, command)
			if err != nil {
				return nil, err
			}
			if err := s.participants.Ask(ctx, addressed, command); err == nil {
				nextQuestion, askAgainAfter = time.Now().Add(askAgainAfter), 2*askAgainAfter
			} else if errors.Is(err, compras.ErrNobodyAsked) {
				return nil, err
			} else { // the broker is down: the step waits within its own patience; the engine does not retry it
				slog.WarnContext(ctx, "a command was not published", "command", command, "error", err)
				nextQuestion = time.Now().Add(publishAgain)
			}
		}
		if err := wait(ctx, wakeup, min(s.settings.ReviewRound, time.Until(nextQuestion), time.Until(e.deadline))); err != nil {
			return nil, err
		}
		if time.Now().After(beat) {
			if err := s.store.Alive(ctx, c.ID, command); err != nil {
				return nil, err
			}
			beat = time.Now().Add(compras.Beat)
		}
		readBack, err := s.store.LoadStep(ctx, c.ID, command)
		if err != nil {
			return nil, err
		}
		if readBack == nil {
			return nil, fmt.Errorf("step %s of purchase %s is gone", command, c.ID)
		}
		step = readBack
		if step.Reply != nil {
			trace.SpanFromContext(ctx).AddEvent("reply", trace.WithAttributes(telemetry.KeyMensaje.String(string(step.Reply.Tipo))))
		}
	}
	return step, nil
}

// withDireccion returns c as command carries it. Only the row of a purchase has its address: a workflow has none in its inputs
// (docs/adr/personal-data.md).
func (s *Saga) withDireccion(ctx context.Context, c contracts.Compra, command contracts.MessageType) (contracts.Compra, error) {
	if !c.Domicilio || !compra.StepOf(command).Direccion {
		return c, nil
	}
	stored, err := s.store.Load(ctx, c.ID)
	c.Direccion = stored.Direccion
	return c, err
}

// wait returns after a wake-up, or when howLong has passed. When the worker stops, it returns the error of the context, and the
// engine runs the activity again, in this replica or another.
func wait(ctx context.Context, wakeup <-chan struct{}, howLong time.Duration) error {
	timer := time.NewTimer(howLong)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wakeup:
	case <-timer.C:
	}
	return nil
}
