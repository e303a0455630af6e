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

// How a stream of all purchases is told under a session, which may end (docs/adr/streams-end-with-their-session.md): a look at
// the session stands before each telling, and the changes of checkEvery are told together, so that many of them are few looks.
const (
	// checkEvery is how often a stream of all purchases looks at its session, and tells the changes since then.
	checkEvery = 250 * time.Millisecond
	maxPending = 4 * allQueueSize // a client whose session nobody can look at is cut off with so many untold
)

// All streams the changes of all purchases from now on, each the purchase's JSON: the earlier system's /stream.
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
	var due <-chan time.Time // when pending is told
	var told time.Time
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
			if pending = append(pending, c); due == nil {
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
			default: // nothing is told that cannot be checked
				due = time.After(lookEvery)
			}
		}
	}
}

// wait is how long until the next event is sent: zero for a caller that cannot be signed out.
func wait(ctx context.Context, told time.Time) time.Duration {
	if !identity.Of(ctx).Revocable() {
		return 0
	}
	return max(0, checkEvery-time.Since(told))
}

func (s *output) all(changes []contracts.Compra) error {
	for _, c := range changes {
		text, err := rest.Encode(c)
		if err != nil {
			return err
		}
		if err := s.write(fmt.Sprintf("data: %s\n\n", text)); err != nil {
			return err
		}
	}
	return nil
}
