package stock

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"entregas/contracts"
	"entregas/internal/api/adminproductos"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// Client is a client of admin-productos. It implements Productos.
type Client struct {
	api *adminproductos.ClientWithResponses
}

// askTimeout bounds a question to admin-productos about a product.
const askTimeout = 5 * time.Second

// maxResponse bounds the response of admin-productos, in bytes. The generated client reads the whole response into memory.
const maxResponse = contracts.MaxRequestBody

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

// NewClient returns a Client that calls admin-productos through the HTTP port of the sidecar. token is the Dapr API token, or "" when the
// sidecar has none.
func NewClient(port, token string) *Client {
	client := adminproductos.Client{
		Server: "http://127.0.0.1:" + port + "/v1.0/invoke/admin-productos/method/", Client: &http.Client{Timeout: askTimeout, Transport: bounded{http.DefaultTransport}},
		RequestEditors: []adminproductos.RequestEditorFn{func(_ context.Context, r *http.Request) error {
			if token != "" {
				r.Header.Set("Dapr-Api-Token", token)
			}
			return nil
		}},
	}
	return &Client{&adminproductos.ClientWithResponses{ClientInterface: &client}}
}

// Producto implements Productos. A sidecar that does not find admin-productos also answers 404, but without our problem type.
func (c *Client) Producto(ctx context.Context, id string) (contracts.Producto, error) {
	r, err := c.api.LeerProductoWithResponse(ctx, strings.ReplaceAll(url.PathEscape(id), ".", "%2E")) // the sidecar removes one layer of escaping, and dots of a path
	if err != nil {
		return contracts.Producto{}, errs.Transient(err)
	}
	if r.JSON200 != nil && r.JSON200.ID == id {
		return *r.JSON200, nil
	}
	if p := r.ApplicationproblemJSONDefault; p != nil && p.Status == http.StatusNotFound {
		if err := rest.ErrorOf(*p); errs.Of(err) == errs.NotFound {
			return contracts.Producto{}, err
		}
	}
	return contracts.Producto{}, errs.Transient(fmt.Errorf("admin-productos answered %s", r.Status()))
}
