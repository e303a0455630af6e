package issuer

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/gorilla/mux"
)

// InProcess returns an HTTP client whose requests the issuer answers within the process. So the bff can verify tokens before it
// serves.
func (i *Issuer) InProcess() *http.Client {
	routes := mux.NewRouter()
	i.Register(routes)
	return &http.Client{Transport: inProcess{routes}}
}

// inProcess is the transport of InProcess.
type inProcess struct{ routes http.Handler }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &recorded{headers: http.Header{}, status: http.StatusOK}
	if r.Body == nil {
		r = r.Clone(context.WithoutCancel(r.Context()))
		r.Body = http.NoBody
	}
	p.routes.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Header: w.headers, Body: io.NopCloser(&w.body), Request: r, ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// recorded is a ResponseWriter that keeps the answer.
type recorded struct {
	headers http.Header
	status  int
	body    bytes.Buffer
}

func (r *recorded) Header() http.Header         { return r.headers }
func (r *recorded) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *recorded) WriteHeader(status int)      { r.status = status }
