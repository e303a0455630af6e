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
	readyFor     = time.Second     // how long what was found is told to everybody
	readyTimeout = 2 * time.Second // for all that is asked
)

// readiness is whether what a program needs answers. Anybody may ask for it, so it is looked at once a second at most, for all.
type readiness struct {
	check func(ctx context.Context) error // its error is told to who asks

	mu     sync.Mutex
	looked time.Time
	found  error
}

// now is nil, or what is missing, as it was found within the last second. Who asks while it is looked at waits for it.
func (r *readiness) now(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.looked) < readyFor {
		return r.found
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout) // the others wait for it too
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
