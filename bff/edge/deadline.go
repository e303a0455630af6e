package edge

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"entregas/bff/streams"
)

// writeTimeout is how long after REQUEST_TIMEOUT a client may still take to read the answer.
const writeTimeout = 30 * time.Second

// Deadline bounds how long a request may be worked on, and its answer take to be taken; a live stream may last, and each piece of it has
// its own time. How long a body may take to arrive is the server's: package app.
func Deadline(deadline time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w) // a recorder in a test has no deadlines
			if isStream(r) {
				_ = control.SetWriteDeadline(time.Time{})
				next.ServeHTTP(streamWriter{w}, r)
				return
			}
			_ = control.SetWriteDeadline(time.Now().Add(deadline + writeTimeout))
			ctx, cancel := context.WithTimeout(r.Context(), deadline)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// streamWriter gives each write of a stream its own time: a client that takes nothing would hold it for ever.
type streamWriter struct{ http.ResponseWriter }

// Unwrap is for http.ResponseController.
func (s streamWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s streamWriter) Write(b []byte) (int, error) {
	_ = http.NewResponseController(s.ResponseWriter).SetWriteDeadline(time.Now().Add(streams.Take))
	return s.ResponseWriter.Write(b)
}

// Flush implements http.Flusher.
func (s streamWriter) Flush() {
	control := http.NewResponseController(s.ResponseWriter)
	_ = control.SetWriteDeadline(time.Now().Add(streams.Take))
	_ = control.Flush() // the next write fails too
}

// Hijack implements http.Hijacker, for a websocket.
func (s streamWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(s.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return streamConn{conn}, buffered, nil
}

type streamConn struct{ net.Conn }

func (s streamConn) Write(b []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(streams.Take)); err != nil {
		return 0, err
	}
	return s.Conn.Write(b)
}

// isStream tells that the answer is a live stream: by where it is asked for, since what a client says of itself would let any
// request take for ever.
func isStream(r *http.Request) bool {
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/graphql":
		return r.Header.Get("Upgrade") != ""
	case r.Method == http.MethodPost && r.URL.Path == "/graphql":
		return OnlyEvents(r)
	default:
		return r.Method == http.MethodGet && (strings.HasSuffix(r.URL.Path, "/eventos") || r.URL.Path == "/stream")
	}
}

// OnlyEvents tells that the client accepts server-sent events and no JSON. Many clients list both for everything they ask.
func OnlyEvents(r *http.Request) bool {
	events := false
	for kind := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, _, _ = strings.Cut(kind, ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "application/json", "application/graphql-response+json", "application/*", "*/*":
			return false
		case "text/event-stream":
			events = true
		}
	}
	return events
}
