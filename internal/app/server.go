package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"entregas/internal/telemetry"
)

// The timeouts of a connection. The time that a handler takes is not limited here.
const (
	// headerTimeout is how long the headers of a request may take to arrive.
	headerTimeout = 10 * time.Second
	// bodyTimeout is how long a body may take to arrive when BODY_TIMEOUT is 0.
	bodyTimeout = 30 * time.Second
	// unreadTimeout is how long the rest of a body may take to arrive when its handler does not read it.
	unreadTimeout = 500 * time.Millisecond
	// writeTimeout is how long a client may take to receive an answer, counted from the end of the request's headers.
	writeTimeout = 2 * time.Minute
	// idleTimeout is how long a connection stays open between two requests.
	idleTimeout = 2 * time.Minute
)

// MaxHeader is the limit for the headers of a request, in bytes; the server adds 4 KiB. Larger headers are answered with 431.
const MaxHeader = 16 << 10

// Listen opens the listener at the address and port of the settings.
func (c Config) Listen(ctx context.Context) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(c.Address, strconv.Itoa(c.Port)))
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

// ServeMetrics serves /metrics on a listener of its own until ctx ends, for a program whose other port is public.
func (c Config) ServeMetrics(ctx context.Context, port int) error {
	c.Port = port
	listener, err := c.Listen(ctx)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	routes := http.NewServeMux()
	routes.Handle("GET "+MetricsPath, telemetry.Metrics())
	return c.Serve(ctx, listener, routes, Drain{})
}

// Server returns an HTTP server for routes with the timeouts above. A handler that streams sets its own write deadline with
// http.ResponseController.
func (c Config) Server(routes http.Handler) *http.Server {
	return &http.Server{
		Handler: timedBodies(cmp.Or(c.BodyTimeout, bodyTimeout), routes), MaxHeaderBytes: MaxHeader,
		ReadHeaderTimeout: headerTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
}

// timedBodies is a middleware that limits how long the body of a request may take to arrive. ReadTimeout of http.Server would
// also end the context of a handler that runs longer than that.
func timedBodies(timeout time.Duration, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			handler.ServeHTTP(w, r)
			return
		}
		allowed := timeout
		control := http.NewResponseController(w) // its errors are ignored: a recorder in a test has no deadlines
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			allowed = min(allowed, unreadTimeout) // no handler reads it
		}
		_ = control.SetReadDeadline(time.Now().Add(allowed))
		body := &timedBody{ReadCloser: r.Body, control: control}
		r2 := r.WithContext(r.Context()) // a copy, since the server still uses r
		r2.Body = body
		handler.ServeHTTP(w, r2)
		if !body.read { // the server reads the rest of the body before it sends the answer
			_ = control.SetReadDeadline(time.Now().Add(unreadTimeout))
		}
	})
}

// timedBody removes the read deadline when the body has been read to its end, since the handler may take longer.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
	read    bool
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.read = true
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
