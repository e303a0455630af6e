package reconciliacion

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"entregas/contracts"
	"entregas/services/internal/api/gestorcompra"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

// Gestor asks gestor-compra, through the sidecar.
type Gestor struct {
	api *gestorcompra.ClientWithResponses
}

// askTimeout bounds a question to gestor-compra about the state of a purchase.
const askTimeout = 5 * time.Second

// NuevoGestor asks by way of the sidecar's HTTP port, with its API token.
func NuevoGestor(puerto, token string) *Gestor {
	client := gestorcompra.Client{
		Server: "http://127.0.0.1:" + puerto + "/v1.0/invoke/gestor-compra/method/", Client: &http.Client{Timeout: askTimeout},
		RequestEditors: []gestorcompra.RequestEditorFn{func(_ context.Context, r *http.Request) error {
			if token != "" {
				r.Header.Set("Dapr-Api-Token", token)
			}
			return nil
		}},
	}
	return &Gestor{&gestorcompra.ClientWithResponses{ClientInterface: &client}}
}

// Estado implements Compras. A sidecar that does not find the service also says 404, but not in the owner's words.
func (g *Gestor) Estado(ctx context.Context, idCompra string) (contracts.Estado, error) {
	r, err := g.api.LeerCompraWithResponse(ctx, idCompra)
	if err != nil {
		return "", errores.Pasajero(err)
	}
	if r.JSON200 != nil && r.JSON200.Estado != "" {
		return r.JSON200.Estado, nil
	}
	if p := r.ApplicationproblemJSONDefault; p != nil && p.Status == http.StatusNotFound {
		if err := rest.ErrorDe(*p); errores.De(err) == errores.NoEncontrado {
			return "", err
		}
	}
	return "", errores.Pasajero(fmt.Errorf("gestor-compra responde %s", r.Status()))
}
