package edge

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"entregas/bff/csvfile"
	"entregas/bff/streams"
)

// writeTimeout is the time that a client has to read the answer, after REQUEST_TIMEOUT.
const writeTimeout = 30 * time.Second

// filesTake is how many times as long as another answer a file may take. It has many pages of a list.
const filesTake = 10

// Deadline bounds the work on a request by deadline, and the time of the client to read the answer by writeTimeout. A live stream
// as a whole has no deadline, but each of its writes must end within streams.Take. Package app bounds the time that a body takes
// to arrive.
func Deadline(deadline time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w) // its errors are ignored: a recorder in a test has no deadlines
			if isStream(r) {
				_ = control.SetWriteDeadline(time.Time{})
				next.ServeHTTP(streamWriter{w}, r)
				return
			}
			most := deadline
			if isFile(r) {
				most *= filesTake
			}
			_ = control.SetWriteDeadline(time.Now().Add(most + writeTimeout))
			ctx, cancel := context.WithTimeout(r.Context(), most)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// streamWriter gives each write of a stream its own deadline. Else a client that reads nothing would hold the stream for ever.
type streamWriter struct{ http.ResponseWriter }

// Unwrap lets http.ResponseController reach the writer within.
func (s streamWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s streamWriter) Write(b []byte) (int, error) {
	_ = http.NewResponseController(s.ResponseWriter).SetWriteDeadline(time.Now().Add(streams.Take))
	return s.ResponseWriter.Write(b)
}

// Flush implements http.Flusher.
func (s streamWriter) Flush() {
	control := http.NewResponseController(s.ResponseWriter)
	_ = control.SetWriteDeadline(time.Now().Add(streams.Take))
	_ = control.Flush() // after an error the next write fails too
}

// Hijack implements http.Hijacker. The writes of a websocket have the same deadline.
func (s streamWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(s.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return streamConn{conn}, buffered, nil
}

// streamConn is the connection of a websocket, with a deadline for each write.
type streamConn struct{ net.Conn }

func (s streamConn) Write(b []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(streams.Take)); err != nil {
		return 0, err
	}
	return s.Conn.Write(b)
}

// isStream reports whether the answer to r is a live stream. It looks at the route first: if a header alone decided, a client
// could free any request from its deadline.
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

// isFile reports whether the answer to r is a file of a whole list. Only operators get one, and package access bounds how many are
// made at once.
func isFile(r *http.Request) bool {
	return r.Method == http.MethodGet && (r.URL.Path == "/api/compras" || r.URL.Path == "/api/auditoria") && csvfile.Accepts(r)
}

// OnlyEvents reports whether the client accepts server-sent events and no JSON. Many clients list both with every request, and
// get JSON.
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
