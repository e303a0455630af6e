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

// Drain says how a program behind a load balancer stops. The zero value stops at once.
type Drain struct {
	// Notice is how long the program still serves after /readyz began to answer 503. It must be longer than the interval at
	// which the balancer asks /readyz, or the balancer sends clients to a closed listener.
	Notice time.Duration
	// OnStop ends work that does not end by itself, such as streams. It is called after Notice: by then the balancer sends
	// clients that reconnect to other replicas.
	OnStop func()
}

// ServeRoutes serves routes until ctx ends. It then waits at most StopDeadline for the requests in progress and closes the
// connections that are left. The broker redelivers a message whose request was cut off.
func (c Config) ServeRoutes(ctx context.Context, routes http.Handler) error {
	listener, err := c.Listen(ctx)
	if err != nil {
		return err
	}
	return c.Serve(ctx, listener, routes, Drain{})
}

// Serve is ServeRoutes for a program behind a load balancer. It serves the clients of listener, stops as d says, and closes
// listener.
func (c Config) Serve(ctx context.Context, listener net.Listener, routes http.Handler, d Drain) error {
	var stops atomic.Bool
	server := c.Server(announceStop(&stops, routes))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	slog.Info("stopping: requests in progress are finished", "notice", d.Notice)
	stops.Store(true)
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-time.After(d.Notice):
	}
	if d.OnStop != nil {
		d.OnStop()
	}
	limit, release := context.WithTimeout(context.WithoutCancel(ctx), c.StopDeadline)
	defer release()
	if err := server.Shutdown(limit); err != nil {
		return errors.Join(fmt.Errorf("stop: %w", err), server.Close())
	}
	return nil
}

// announceStop is a middleware for the time when stops is true: it answers /readyz with 503 and closes each connection with
// its next answer. A connection that is closed between two requests would lose a request that the client has just sent.
func announceStop(stops *atomic.Bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !stops.Load() {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		if r.URL.Path == "/readyz" {
			http.Error(w, "stopping", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}
