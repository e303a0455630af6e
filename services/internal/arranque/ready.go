package arranque

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

// ready looks at the sidecar and at each of necesita.
func (c Config) ready(necesita map[string]Comprobacion) *readiness {
	return &readiness{check: func(ctx context.Context) error {
		if err := c.sidecarListo(ctx); err != nil {
			return fmt.Errorf("sidecar: %w", err)
		}
		for nombre, comprobar := range necesita {
			if err := comprobar(ctx); err != nil {
				slog.WarnContext(ctx, "no listo", "falta", nombre, "error", err)
				return errors.New(nombre + " no responde")
			}
		}
		return nil
	}}
}

func (c Config) sidecarListo(ctx context.Context) error {
	peticion, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort("127.0.0.1", c.DaprHTTP)+"/v1.0/healthz/outbound", nil)
	if err != nil {
		return err
	}
	respuesta, err := http.DefaultClient.Do(peticion)
	if err != nil {
		return err
	}
	defer func() { _ = respuesta.Body.Close() }()
	if respuesta.StatusCode != http.StatusNoContent {
		return fmt.Errorf("responde %d", respuesta.StatusCode)
	}
	return nil
}
