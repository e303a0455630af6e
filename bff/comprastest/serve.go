package comprastest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gorilla/mux"

	"entregas/bff/compras"
	"entregas/bff/dapr"
	"entregas/internal/app"
	"entregas/internal/rest"
)

// Serve returns the bff's client of a service that runs in this process. register adds the routes of the service.
//
// hinder decides about each call: done reports whether the service does it. The error compras.ErrNotDone stands for a sidecar that is
// not there. Any other error is the answer of a call that is not done. For a call that is done, an error says that its answer is lost.
func Serve(appID string, hinder func(r *http.Request) (done bool, err error), register func(*mux.Router)) *dapr.Service {
	routes := app.Config{}.Routes(nil)
	register(routes)
	return dapr.NewService(appID, "0", "").Through(sidecars{hinder, routes})
}

// sidecars stands in for the two sidecars between the bff and a service. Like them it removes one layer of escaping from a path.
type sidecars struct {
	hinder func(r *http.Request) (done bool, err error)
	routes *mux.Router
}

// RoundTrip implements http.RoundTripper.
func (s sidecars) RoundTrip(request *http.Request) (*http.Response, error) {
	_, target, _ := strings.Cut(request.URL.Path, "/method")
	if request.URL.RawQuery != "" {
		target += "?" + request.URL.RawQuery
	}
	var body io.Reader = http.NoBody
	if request.Body != nil {
		defer func() { _ = request.Body.Close() }()
		body = request.Body
	}
	r := httptest.NewRequestWithContext(request.Context(), request.Method, target, body)
	r.Header = request.Header
	w := httptest.NewRecorder()
	if target == "/healthz" {
		s.routes.ServeHTTP(w, r)
		return w.Result(), nil
	}
	done, err := s.hinder(r)
	switch {
	case errors.Is(err, compras.ErrNotDone):
		return nil, &net.OpError{Op: "dial", Err: err}
	case done:
		s.routes.ServeHTTP(w, r)
	default:
		rest.WriteError(w, r, err)
	}
	if done && err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return w.Result(), nil
}
