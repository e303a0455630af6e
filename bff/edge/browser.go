package edge

import (
	"net/http"

	"entregas/internal/errs"
)

// Headers are what browsers are told of every answer: nothing is guessed, framed or told to other sites.
func Headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// CORS lets the pages of these origins ask, with a token of their own: the session's cookie is for our pages only.
func CORS(origins []string, next http.Handler) http.Handler {
	allowed := map[string]bool{}
	for _, o := range origins {
		allowed[o] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if !allowed[origin] {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "ETag, Location, Retry-After, Age")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// SameOrigin refuses a write that a browser sends from another site's page, except from trusted origins. Signing in and out need no
// token that such a page lacks. A client that is no browser sends no origin, and passes.
func SameOrigin(trusted []string) func(http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		_ = protection.AddTrustedOrigin(origin) // one that is no origin is none of a browser's either
	}
	protection.SetDenyHandler(route(func(http.ResponseWriter, *http.Request) error {
		return errs.New(errs.NoPermission, "Esto se pide desde una página de este sistema, no desde otro sitio.")
	}))
	return protection.Handler
}

// WithHead answers a HEAD as its GET, without the body, which the server leaves out. A live stream has no GET to be told in short.
func WithHead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			get := r.WithContext(r.Context()) // a copy: the server looks at its own
			get.Method = http.MethodGet
			if !isStream(get) {
				r = get
			}
		}
		next.ServeHTTP(w, r)
	})
}
