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

// Manager asks gestor-compra, through the sidecar.
type Manager struct {
	api *gestorcompra.ClientWithResponses
}

// askTimeout bounds a question to gestor-compra about the state of a purchase.
const askTimeout = 5 * time.Second

// NewManager asks by way of the sidecar's HTTP port, with its API token.
func NewManager(port, token string) *Manager {
	client := gestorcompra.Client{
		Server: "http://127.0.0.1:" + port + "/v1.0/invoke/gestor-compra/method/", Client: &http.Client{Timeout: askTimeout},
		RequestEditors: []gestorcompra.RequestEditorFn{func(_ context.Context, r *http.Request) error {
			if token != "" {
				r.Header.Set("Dapr-Api-Token", token)
			}
			return nil
		}},
	}
	return &Manager{&gestorcompra.ClientWithResponses{ClientInterface: &client}}
}

// Estado implements Compras. A sidecar that does not find the service also says 404, but not in the owner's words.
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
	return "", errs.Transient(fmt.Errorf("gestor-compra responde %s", r.Status()))
}
