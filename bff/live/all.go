package live

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"entregas/bff/identity"
	"entregas/bff/streams"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// A stream of all purchases checks the session of its client before it sends (docs/adr/streams-end-with-their-session.md). It
// sends all changes of one period checkEvery together, so that many changes cost few checks.
const (
	// checkEvery is how often a stream of all purchases checks its session, and sends the changes since then.
	checkEvery = 250 * time.Millisecond
	maxPending = 4 * allQueueSize // unsent changes at which a stream ends whose session cannot be checked
)

// All streams the changes of all purchases from now on. Each event is a purchase in JSON, as the earlier system's /stream has it.
func (s *Server) All(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := s.whileServing(r.Context())
	defer cancel()
	queue, leave := s.wakeups.listenAll()
	defer leave()
	output := open(w)
	defer s.sayStopping(output)
	err := output.write(": conectado\n\n")
	ticker := time.NewTicker(streams.Heartbeat)
	defer ticker.Stop()
	var pending []contracts.Compra
	var due <-chan time.Time // when to send pending
	var told time.Time       // when pending was last sent
	for err == nil && len(pending) < maxPending {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if errs.Of(identity.StillValid(ctx)) == errs.NoIdentity {
				return
			}
			err = output.beat()
		case c, more := <-queue:
			if !more {
				return
			}
			if pending = append(pending, s.compras.Shown(ctx, c)); due == nil {
				due = time.After(wait(ctx, told))
			}
		case <-due:
			told, due = time.Now(), nil
			switch valid := identity.StillValid(ctx); {
			case valid == nil:
				err = output.all(pending)
				pending = nil
			case errs.Of(valid) == errs.NoIdentity:
				return
			default: // the store does not answer: try again, and send nothing unchecked
				due = time.After(lookEvery)
			}
		}
	}
}

// wait returns the time until pending changes are sent. The time is zero for a caller with a token, because a token cannot be
// revoked.
func wait(ctx context.Context, told time.Time) time.Duration {
	if !identity.Of(ctx).Revocable() {
		return 0
	}
	return max(0, checkEvery-time.Since(told))
}

// all sends an event for each of changes.
func (o *output) all(changes []contracts.Compra) error {
	for _, c := range changes {
		text, err := rest.Encode(c)
		if err != nil {
			return err
		}
		if err := o.write(fmt.Sprintf("data: %s\n\n", text)); err != nil {
			return err
		}
	}
	return nil
}
