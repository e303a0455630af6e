package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// readyFor is how long one result of the check answers all requests for /readyz.
	readyFor = time.Second
	// readyTimeout bounds the check behind /readyz.
	readyTimeout = 2 * time.Second
)

// readiness caches the result of check for readyFor. /readyz is open to every client, so the check must not run per request.
type readiness struct {
	check func(ctx context.Context) error // the body of /readyz is its error

	mu        sync.Mutex
	checkedAt time.Time
	result    error
}

// now returns the result of a check that is at most readyFor old: nil, or an error that names the dependency. A request that
// arrives during a check waits for its result.
func (r *readiness) now(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.checkedAt) < readyFor {
		return r.result
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout) // other requests wait for the same check
	defer cancel()
	r.result = r.check(ctx)
	r.checkedAt = time.Now()
	return r.result
}

// serve answers 200, or 503 with the dependency that does not answer.
func (r *readiness) serve(w http.ResponseWriter, request *http.Request) {
	if err := r.now(request.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

// ready returns a readiness that checks the sidecar and each of needs.
func (c Config) ready(needs map[string]Check) *readiness {
	return &readiness{check: func(ctx context.Context) error {
		if err := c.sidecarReady(ctx); err != nil {
			return fmt.Errorf("sidecar: %w", err)
		}
		for name, check := range needs {
			if err := check(ctx); err != nil {
				slog.WarnContext(ctx, "not ready", "dependency", name, "error", err)
				return errors.New(name + " does not answer")
			}
		}
		return nil
	}}
}

func (c Config) sidecarReady(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort("127.0.0.1", c.DaprHTTP)+"/v1.0/healthz/outbound", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("it answered %d", response.StatusCode)
	}
	return nil
}
