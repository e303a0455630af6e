package edge

import (
	"net/http"
	"slices"
	"time"

	"github.com/rs/cors"

	"entregas/internal/errs"
)

// Headers sets the security headers of every answer. They keep a browser from guessing the content type, from showing the answer
// in a frame, and from sending a Referer to other sites.
func Headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// preflightTTL is how long a browser keeps the answer to a preflight request.
const preflightTTL = 10 * time.Minute

// CORS lets the pages of origins send requests with a bearer token. It allows no credentials, since the session's cookie is for
// our own pages.
func CORS(origins []string, next http.Handler) http.Handler {
	return cors.New(cors.Options{
		// AllowedOrigins would not do: its empty list allows every origin, and its "*" is a wildcard.
		AllowOriginFunc: func(origin string) bool { return slices.Contains(origins, origin) },
		AllowedMethods:  []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowedHeaders:  []string{"Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID"},
		ExposedHeaders:  []string{"ETag", "Location", "Retry-After", "Age"},
		MaxAge:          int(preflightTTL.Seconds()),
	}).Handler(next)
}

// SameOrigin refuses a write that a browser sends from a page of another site, except from the trusted origins. It guards routes
// that require no CSRF token, such as sign-in and sign-out. A client that is no browser sends no Origin, and passes.
func SameOrigin(trusted []string) func(http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		_ = protection.AddTrustedOrigin(origin) // no browser sends an origin that is malformed
	}
	protection.SetDenyHandler(route(func(http.ResponseWriter, *http.Request) error {
		return errs.New(errs.NoPermission, "Esto se pide desde una página de este sistema, no desde otro sitio.")
	}))
	return protection.Handler
}

// WithHead answers a HEAD request like a GET; net/http then leaves out the body. It does not answer for a live stream, whose GET
// does not end.
func WithHead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			get := r.WithContext(r.Context()) // a copy: net/http still needs the method of the original request
			get.Method = http.MethodGet
			if !isStream(get) {
				r = get
			}
		}
		next.ServeHTTP(w, r)
	})
}
