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
)

// How long a connection may be open for what. What a program waits for itself is not counted here: a handler's time is its own.
const (
	// headerTimeout is how long the headers of a request may take to arrive.
	headerTimeout = 10 * time.Second
	// bodyTimeout is how long a body may take to arrive where BODY_TIMEOUT is 0.
	bodyTimeout = 30 * time.Second
	// unreadTimeout is how long the rest of a body may take that its handler does not read.
	unreadTimeout = 500 * time.Millisecond
	// writeTimeout is how long an answer may take to be read by its client, from the headers of the request on.
	writeTimeout = 2 * time.Minute
	// idleTimeout is how long a connection stays open between two requests.
	idleTimeout = 2 * time.Minute
)

// MaxHeader bounds the headers of a request in bytes; the server adds 4 KiB. More is answered 431.
const MaxHeader = 16 << 10

// Listen takes the program's address.
func (c Config) Listen(ctx context.Context) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(c.Address, strconv.Itoa(c.Port)))
	if err != nil {
		return nil, fmt.Errorf("servir: %w", err)
	}
	return listener, nil
}

// Server is the server of all programs: no request, whatever its path, holds a connection longer than the times above. A stream
// sets its own time to write with http.ResponseController.
func (c Config) Server(routes http.Handler) *http.Server {
	return &http.Server{
		Handler: timedBodies(cmp.Or(c.BodyTimeout, bodyTimeout), routes), MaxHeaderBytes: MaxHeader,
		ReadHeaderTimeout: headerTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
}

// timedBodies gives the body of a request so long to arrive. http.Server's ReadTimeout would not do: it also ends the context of
// a handler that takes longer than the body may.
func timedBodies(timeout time.Duration, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			handler.ServeHTTP(w, r)
			return
		}
		allowed := timeout
		control := http.NewResponseController(w) // a recorder in a test has no deadlines: their errors say nothing here
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			allowed = min(allowed, unreadTimeout) // nobody reads it
		}
		_ = control.SetReadDeadline(time.Now().Add(allowed))
		body := &timedBody{ReadCloser: r.Body, control: control}
		r2 := r.WithContext(r.Context()) // a copy: the server looks at its own
		r2.Body = body
		handler.ServeHTTP(w, r2)
		if !body.read { // the server reads the rest before it answers
			_ = control.SetReadDeadline(time.Now().Add(unreadTimeout))
		}
	})
}

// timedBody takes the deadline off once all of it is read: the handler may take longer.
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
