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

// readiness says whether the dependencies of a program answer. Anybody may request it, so the check runs at most once a second.
type readiness struct {
	check func(ctx context.Context) error // the answer of /readyz contains its error

	mu     sync.Mutex
	looked time.Time
	found  error
}

// now returns the result of a check that ran within the last second: nil, or an error that names what is missing. A request
// that comes during a check waits for it.
func (r *readiness) now(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.looked) < readyFor {
		return r.found
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout) // other requests wait for it too
	defer cancel()
	r.found = r.check(ctx)
	r.looked = time.Now()
	return r.found
}

// ready looks at the sidecar and at each of needs.
func (c Config) ready(needs map[string]Check) *readiness {
	return &readiness{check: func(ctx context.Context) error {
		if err := c.sidecarReady(ctx); err != nil {
			return fmt.Errorf("sidecar: %w", err)
		}
		for name, check := range needs {
			if err := check(ctx); err != nil {
				slog.WarnContext(ctx, "no listo", "falta", name, "error", err)
				return errors.New(name + " no responde")
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
		return fmt.Errorf("responde %d", response.StatusCode)
	}
	return nil
}
