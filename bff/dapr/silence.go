package dapr

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	probesToOpen = 2 // failed probes in a row that make a service silent
	// probeAgain is the pause between a probe of a service that failed and the next one.
	probeAgain = 100 * time.Millisecond
	// probeInterval is the least time between two probes of a service that is silent.
	probeInterval = time.Second
)

// errSilent is the error of a call to a service that does not answer its probes.
var errSilent = errors.New("no responde a quien le pregunta por su salud")

// silence is the circuit breaker of one service: while the service is silent nobody calls it.
//
// Only a probe decides, and no customer writes a byte of it. A customer's call is no evidence: many bytes make a sidecar or
// a service refuse a call, and a slow or cancelled call says nothing about the next one. A call without an answer only
// starts a probe. See docs/adr/the-bffs-own-circuit-breaker.md.
type silence struct {
	app    string
	probe  func(ctx context.Context) error
	silent atomic.Bool

	mu       sync.Mutex
	probing  bool
	answered time.Time // when a probe was last answered
}

// suspect starts a probe in the background, unless one is on its way or was answered within probeInterval.
func (s *silence) suspect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probing || time.Since(s.answered) < probeInterval {
		return
	}
	s.probing = true
	go s.watch()
}

// watch probes until the service answers.
func (s *silence) watch() {
	for failed := 0; ; {
		ctx, cancel := context.WithTimeout(context.Background(), invocationDeadline)
		err := s.probe(ctx)
		cancel()
		if err == nil {
			break
		}
		failed++
		if failed < probesToOpen {
			time.Sleep(probeAgain)
			continue
		}
		if !s.silent.Swap(true) {
			slog.Warn("service does not answer: it is not called until it does", "service", s.app, "error", err)
		}
		time.Sleep(probeInterval)
	}
	if s.silent.Swap(false) {
		slog.Info("service answers again", "service", s.app)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probing, s.answered = false, time.Now()
}
