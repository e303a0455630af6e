package edge

import (
	"context"
	"io"
	"net/http"

	"entregas/bff/identity"
	"entregas/bff/memory"
	"entregas/contracts"
	"entregas/internal/rest"
)

const (
	// requestWeight is the heap that a request takes, in bytes, before its body is read: buffers, goroutine and headers.
	requestWeight = 32 << 10
	// importWeight is the heap that a byte of an import takes, in bytes: the body, its text, and the request to admin-productos.
	importWeight = 4
	// bodyWeight is the heap that a byte of the body takes, in bytes. It is more than for other JSON: three bytes of a body may
	// become a slice.
	bodyWeight = 16
)

// importPath is the path of the import of stock, whose body may be larger than others.
const importPath = "/api/productos/importacion"

// Bounded refuses a request for which pool has no room. It charges the body to the subject of the caller, or else to the address;
// handlers charge the memory that they hold to the Lease in the context. A live stream holds no Lease: it reads one purchase at a
// time, and package live bounds the number of streams. Errors: TooMany, Busy.
func (l *Limits) Bounded(pool *memory.Pool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return route(func(w http.ResponseWriter, r *http.Request) error {
			if r.Method == http.MethodGet && isStream(r) {
				next.ServeHTTP(w, r)
				return nil
			}
			lease := pool.Lease(ClientName(r.Context(), l.address(r)))
			defer lease.Close()
			if err := lease.Reserve(r.Context(), requestWeight); err != nil {
				return err
			}
			r = r.WithContext(memory.With(r.Context(), lease))
			weight := int64(bodyWeight)
			if r.Method == http.MethodPost && r.URL.Path == importPath {
				weight, r = importWeight, rest.WithBody(r, contracts.MaxImportBytes)
			}
			r.Body = body{&memory.Reader{Reader: r.Body, Lease: lease, Weight: weight}, r.Body}
			next.ServeHTTP(w, r)
			return nil
		})
	}
}

// ClientName returns the name under which the requests of the caller in ctx are counted: its subject, or else address.
func ClientName(ctx context.Context, address string) string {
	if p := identity.Of(ctx); p.Known() {
		return "subject " + p.Usuario
	}
	return "address " + address
}

// body is a request body that is read through a memory.Reader.
type body struct {
	io.Reader
	io.Closer
}
