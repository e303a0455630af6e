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
	// probeAgain is the pause between the first failed probe of a service and the second one.
	probeAgain = 100 * time.Millisecond
	// probeInterval is the pause between two probes of a service that is silent, and the least time between two series of probes.
	probeInterval = time.Second
)

// errSilent is the error of a call to a service that does not answer its probes.
var errSilent = errors.New("the service does not answer its health probes")

// silence is the circuit breaker of one service. While the service is silent, the bff does not call it.
//
// Only a probe of the bff opens or closes it. Breakers of libraries, such as sony/gobreaker, count calls. Customers send the calls,
// and could open such a breaker for everybody: some requests make a sidecar answer 500 while the service works. Here a call
// without an answer only starts a probe. See docs/adr/the-bffs-own-circuit-breaker.md.
type silence struct {
	app    string
	probe  func(ctx context.Context) error
	silent atomic.Bool

	mu       sync.Mutex
	probing  bool
	answered time.Time // when a probe was last answered
}

// suspect starts a series of probes in the background, unless one runs or ended within probeInterval.
func (s *silence) suspect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probing || time.Since(s.answered) < probeInterval {
		return
	}
	s.probing = true
	go s.watch()
}

// watch probes the service until it answers. After probesToOpen failures the service is silent.
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
