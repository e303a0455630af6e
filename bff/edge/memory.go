package edge

import (
	"context"
	"io"
	"net/http"

	"entregas/bff/identity"
	"entregas/bff/memory"
)

// The expected size of a request before anything of it is known: its connection's buffers, its goroutine, its headers.
// A body weighs more than other JSON: one of three bytes may become a slice of its own.
const (
	requestWeight = 32 << 10
	bodyWeight    = 16
)

// Bounded refuses a request for which there is no room in pool, and charges its body to its asker: the subject, or else the
// address. What the request makes us hold later is charged to the Lease in its context. A live stream holds none: it reads
// one purchase at a time, and package live bounds how many there are.
func (l *Limits) Bounded(pool *memory.Pool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return route(func(w http.ResponseWriter, r *http.Request) error {
			if r.Method == http.MethodGet && isStream(r) {
				next.ServeHTTP(w, r)
				return nil
			}
			lease := pool.Lease(Asker(r.Context(), l.address(r)))
			defer lease.Close()
			if err := lease.Reserve(r.Context(), requestWeight); err != nil {
				return err
			}
			r = r.WithContext(memory.With(r.Context(), lease))
			r.Body = body{&memory.Reader{Reader: r.Body, Lease: lease, Weight: bodyWeight}, r.Body}
			next.ServeHTTP(w, r)
			return nil
		})
	}
}

// Asker is the name under which the requests of the caller in ctx are counted together: the subject's, or else the address's.
func Asker(ctx context.Context, address string) string {
	if p := identity.Of(ctx); p.Known() {
		return "subject " + p.Usuario
	}
	return "address " + address
}

type body struct {
	io.Reader
	io.Closer
}
