package emisor

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/gorilla/mux"
)

// EnProceso is a client whose calls the issuer answers here: the program trusts its own issuer as it would one far away,
// and need not serve yet.
func (e *Emisor) EnProceso() *http.Client {
	rutas := mux.NewRouter()
	e.Registrar(rutas)
	return &http.Client{Transport: enProceso{rutas}}
}

type enProceso struct{ rutas http.Handler }

// RoundTrip implements http.RoundTripper.
func (p enProceso) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &grabado{cabeceras: http.Header{}, estado: http.StatusOK}
	if r.Body == nil {
		r = r.Clone(context.WithoutCancel(r.Context()))
		r.Body = http.NoBody
	}
	p.rutas.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.estado, Status: http.StatusText(w.estado), Header: w.cabeceras, Body: io.NopCloser(&w.cuerpo), Request: r, ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

type grabado struct {
	cabeceras http.Header
	estado    int
	cuerpo    bytes.Buffer
}

func (g *grabado) Header() http.Header         { return g.cabeceras }
func (g *grabado) Write(b []byte) (int, error) { return g.cuerpo.Write(b) }
func (g *grabado) WriteHeader(estado int)      { g.estado = estado }
