package borde

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// alEscribir is how long after its time a request may take to be read by its client.
const alEscribir = 30 * time.Second

// Plazo bounds how long a request may take to be read, to be worked on and to be taken; a live stream's is its client's.
func Plazo(plazo time.Duration) func(http.Handler) http.Handler {
	return func(siguiente http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w)
			if r.Method != http.MethodGet || !esFlujo(r) {
				_ = control.SetReadDeadline(time.Now().Add(plazo)) // a recorder in a test has none
			}
			if esFlujo(r) {
				siguiente.ServeHTTP(w, r)
				return
			}
			_ = control.SetWriteDeadline(time.Now().Add(plazo + alEscribir))
			ctx, soltar := context.WithTimeout(r.Context(), plazo)
			defer soltar()
			siguiente.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// esFlujo tells that the answer is a live stream: by where it is asked for, since what a client says of itself would let any
// request take for ever.
func esFlujo(r *http.Request) bool {
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/graphql":
		return r.Header.Get("Upgrade") != ""
	case r.Method == http.MethodPost && r.URL.Path == "/graphql":
		return strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	default:
		return r.Method == http.MethodGet && (strings.HasSuffix(r.URL.Path, "/eventos") || r.URL.Path == "/stream")
	}
}
