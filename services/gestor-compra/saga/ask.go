package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
)

// delay is how long a question waits for its reply.
type delay struct {
	deadline time.Time
	// last: who does not answer by then is not asked any more, and a reply that comes later has no effect. Else the
	// workflow asks again later.
	last bool
}

// stepDelay is a step's patience: counted from the first ask, so that a restart does not renew it
// (docs/adr/steps-outwait-outages.md).
func (s *Saga) stepDelay(step *compras.Step) delay {
	return delay{deadline: step.PreguntadaEn.Add(s.settings.Patience), last: true}
}

// forOneRound is one turn of what goes on until it is answered.
func forOneRound(howLong time.Duration) delay { return delay{deadline: time.Now().Add(howLong)} }

// LookEvery is how often a step that waits looks for its reply by itself, should a wake-up get lost.
//
// It is less than compras.Beat, so that a step that waits says in time that it is alive.
const LookEvery = compras.Beat / 2

// publishAgain is the pause before a step sends its command again that could not be published.
const publishAgain = time.Second

// askAndWait sends the command and waits for its reply. What it returns has no Reply when there was none in
// time. An activity that is restarted finds the reply at once, else asks again: the participant answers a command that it
// knows with the stored reply.
func (s *Saga) askAndWait(ctx context.Context, c contracts.SolicitudCompra, command contracts.MessageType, step *compras.Step, wakeup <-chan struct{}, e delay) (*compras.Step, error) {
	nextQuestion := time.Time{} // now
	askAgainAfter := s.settings.AskAgainAfter
	beat := time.Now().Add(compras.Beat)
	for step.Reply == nil && !step.Abandoned {
		now := time.Now()
		if !now.Before(e.deadline) {
			slog.WarnContext(ctx, "sin respuesta a tiempo", "comando", command, "preguntada_en", step.PreguntadaEn)
			if !e.last {
				return step, nil
			}
			return s.store.Abandon(ctx, c.ID, command)
		}
		if !now.Before(nextQuestion) {
			if err := s.participants.Ask(ctx, c, command); err == nil {
				nextQuestion, askAgainAfter = time.Now().Add(askAgainAfter), 2*askAgainAfter
			} else if errors.Is(err, compras.ErrNobodyAsked) {
				return nil, err
			} else { // the broker is away: it counts on our patience, not on the engine's tries
				slog.WarnContext(ctx, "no se pudo preguntar", "comando", command, "error", err)
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
			return nil, fmt.Errorf("desapareció la pregunta %s de la compra %s", command, c.ID)
		}
		step = readBack
	}
	return step, nil
}

// wait returns when there is a wake-up or howLong has passed. When the worker stops it returns the context's error,
// and the engine runs the activity again, here or elsewhere.
func wait(ctx context.Context, wakeup <-chan struct{}, howLong time.Duration) error {
	ticker := time.NewTimer(howLong)
	defer ticker.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wakeup:
	case <-ticker.C:
	}
	return nil
}
