package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Drain is how a program stops that others reach through a balancer. The zero value stops at once.
type Drain struct {
	// Notice is how long the program goes on serving after it said on /readyz that it stops: longer than a balancer takes to
	// ask, so that nobody is sent to a listener that is closed.
	Notice time.Duration
	// OnStop ends what does not end by itself, as streams. It is called after Notice, when the clients that come back are sent
	// elsewhere.
	OnStop func()
}

// ServeRoutes serves routes until ctx ends, then finishes what is under way for at most StopDeadline. What is not finished
// by then loses its connection, and the broker delivers it again.
func (c Config) ServeRoutes(ctx context.Context, routes http.Handler) error {
	listener, err := c.Listen(ctx)
	if err != nil {
		return err
	}
	return c.Serve(ctx, listener, routes, Drain{})
}

// Serve is ServeRoutes for a program behind a balancer: it serves the clients of listener, which it closes, and stops as d says.
func (c Config) Serve(ctx context.Context, listener net.Listener, routes http.Handler, d Drain) error {
	var stops atomic.Bool
	server := c.Server(sayStopping(&stops, routes))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("servir: %w", err)
	case <-ctx.Done():
	}
	slog.Info("se detiene: termina lo que está en curso", "aviso", d.Notice)
	stops.Store(true)
	select {
	case err := <-ended:
		return fmt.Errorf("servir: %w", err)
	case <-time.After(d.Notice):
	}
	if d.OnStop != nil {
		d.OnStop()
	}
	limit, release := context.WithTimeout(context.WithoutCancel(ctx), c.StopDeadline)
	defer release()
	if err := server.Shutdown(limit); err != nil {
		return errors.Join(fmt.Errorf("parada: %w", err), server.Close())
	}
	return nil
}

// sayStopping answers /readyz with 503 once the program stops, and ends each connection with its next answer: a connection
// that is closed between two requests takes with it a request that was just sent.
func sayStopping(stops *atomic.Bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !stops.Load() {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		if r.URL.Path == "/readyz" {
			http.Error(w, "se detiene", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}
