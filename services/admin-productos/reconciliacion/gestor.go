package reconciliacion

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"entregas/contracts"
	"entregas/services/internal/errores"
)

// Gestor asks gestor-compra, through the sidecar.
type Gestor struct {
	direccion string
	token     string
	cliente   *http.Client
}

// askTimeout bounds a question to gestor-compra about the state of a purchase.
const askTimeout = 5 * time.Second

// NuevoGestor asks by way of the sidecar's HTTP port, with its API token.
func NuevoGestor(puerto, token string) *Gestor {
	return &Gestor{"http://127.0.0.1:" + puerto + "/v1.0/invoke/gestor-compra/method/compras/", token, &http.Client{Timeout: askTimeout}}
}

// Estado implements Compras. A sidecar that does not find the service also says 404, but not in the owner's words.
func (g *Gestor) Estado(ctx context.Context, idCompra string) (contracts.Estado, error) {
	peticion, err := http.NewRequestWithContext(ctx, http.MethodGet, g.direccion+url.PathEscape(idCompra), nil)
	if err != nil {
		return "", err
	}
	if g.token != "" {
		peticion.Header.Set("Dapr-Api-Token", g.token)
	}
	respuesta, err := g.cliente.Do(peticion)
	if err != nil {
		return "", err
	}
	defer func() { _ = respuesta.Body.Close() }()
	var cuerpo struct {
		Estado contracts.Estado `json:"estado"`
		Status int              `json:"status"`
	}
	err = json.NewDecoder(respuesta.Body).Decode(&cuerpo)
	switch {
	case respuesta.StatusCode == http.StatusNotFound && err == nil && cuerpo.Status == http.StatusNotFound:
		return "", errores.Nuevo(errores.NoEncontrado, "No existe la compra %s.", idCompra)
	case respuesta.StatusCode != http.StatusOK || err != nil || cuerpo.Estado == "":
		return "", errores.Pasajero(fmt.Errorf("gestor-compra responde %s", respuesta.Status))
	}
	return cuerpo.Estado, nil
}
