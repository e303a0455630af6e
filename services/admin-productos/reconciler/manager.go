package reconciler

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"entregas/contracts"
	"entregas/internal/api/gestorcompra"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// Manager is a client of gestor-compra. It implements Compras.
type Manager struct {
	api *gestorcompra.ClientWithResponses
}

// askTimeout bounds a question to gestor-compra about the state of a purchase.
const askTimeout = 5 * time.Second

// maxResponse bounds the response of gestor-compra, in bytes. The products of a purchase take at most contracts.MaxRequestBody; the
// rest is for its history. The generated client reads the whole response into memory.
const maxResponse = 8 * contracts.MaxRequestBody

// bounded is a transport whose responses fail to be read beyond maxResponse.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, maxResponse)
	}
	return response, err
}

// NewManager returns a Manager that calls gestor-compra through the HTTP port of the sidecar. token is the Dapr API token, or
// "" when the sidecar has none.
func NewManager(port, token string) *Manager {
	client := gestorcompra.Client{
		Server: "http://127.0.0.1:" + port + "/v1.0/invoke/gestor-compra/method/", Client: &http.Client{Timeout: askTimeout, Transport: bounded{http.DefaultTransport}},
		RequestEditors: []gestorcompra.RequestEditorFn{func(_ context.Context, r *http.Request) error {
			if token != "" {
				r.Header.Set("Dapr-Api-Token", token)
			}
			return nil
		}},
	}
	return &Manager{&gestorcompra.ClientWithResponses{ClientInterface: &client}}
}

// Estado implements Compras. A sidecar that does not find gestor-compra also answers 404, but without our problem type.
func (m *Manager) Estado(ctx context.Context, idCompra string) (contracts.Estado, error) {
	r, err := m.api.LeerCompraWithResponse(ctx, idCompra)
	if err != nil {
		return "", errs.Transient(err)
	}
	if r.JSON200 != nil && r.JSON200.Estado != "" {
		return r.JSON200.Estado, nil
	}
	if p := r.ApplicationproblemJSONDefault; p != nil && p.Status == http.StatusNotFound {
		if err := rest.ErrorOf(*p); errs.Of(err) == errs.NotFound {
			return "", err
		}
	}
	return "", errs.Transient(fmt.Errorf("gestor-compra answered %s", r.Status()))
}
