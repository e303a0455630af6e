package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"entregas/contracts"
)

// Client is a client of the public REST interface.
type Client struct {
	baseURL        string // the base address of the routes, with /api for the bff
	http           *http.Client
	addCredentials func(*http.Request) error // runs on each request
}

// New returns a client of the bff at baseURL, for example http://127.0.0.1:8888. Its requests have the token of an operator when
// an Env contains the address.
func New(baseURL string) *Client { return with(baseURL, "/api") }

// Direct returns a client of a service. The routes of a service do not begin with /api. The client sends the app API token when an Env
// contains the address.
func Direct(baseURL string) *Client { return with(baseURL, "") }

// with returns a client that keeps connections for many requests at the same time. It has no timeout for streams: only the context
// ends a stream.
func with(baseURL, prefix string) *Client {
	return &Client{
		baseURL: baseURL + prefix, addCredentials: func(r *http.Request) error { return addCredentials(r, baseURL) },
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, ResponseHeaderTimeout: 20 * time.Second}},
	}
}

// Problem is the error for a response that is not a success, with the fields of RFC 9457.
type Problem struct {
	Type    string                   `json:"type"`
	Title   string                   `json:"title"`
	Status  int                      `json:"status"`
	Detail  string                   `json:"detail"`
	Errores []contracts.InvalidField `json:"errores"`
}

func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s: %s", p.Status, p.Title, p.Detail)
	for _, c := range p.Errores {
		text += fmt.Sprintf(" [%s: %s]", c.Field, c.Detalle)
	}
	return text
}

// Response is a whole response.
type Response struct {
	Status  int
	Headers http.Header
	Body    []byte
}

// Problem returns the problem in the body. If the body is no problem, the result has the status and the first 300 bytes of the body.
func (r Response) Problem() *Problem {
	p := &Problem{}
	if err := json.Unmarshal(r.Body, p); err != nil || p.Status == 0 {
		p.Title, p.Detail = http.StatusText(r.Status), string(r.Body[:min(len(r.Body), 300)])
	}
	p.Status = r.Status
	return p
}

// Header is a header of a request.
type Header struct{ Name, Value string }

// WithIdempotencyKey is the header of a request that may be sent again: the same key makes the same purchase or restock.
func WithIdempotencyKey(key string) Header { return Header{"Idempotency-Key", key} }

// Request sends a request and reads the whole response. body is nil, the bytes to send, or a value that is encoded as JSON.
// It returns an error only when there is no response: a status of 400 or more is no error.
func (c *Client) Request(ctx context.Context, method, path string, body any, headers ...Header) (Response, error) {
	var reader io.Reader
	switch v := body.(type) {
	case nil:
	case []byte:
		reader = bytes.NewReader(v)
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return Response{}, err
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.baseURL+path, reader)
	if err != nil {
		return Response{}, err
	}
	if reader != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		request.Header.Set(h.Name, h.Value)
	}
	if err := c.addCredentials(request); err != nil {
		return Response{}, err
	}
	r, err := c.http.Do(request)
	if err != nil {
		return Response{}, err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return Response{Status: r.StatusCode, Headers: r.Header, Body: text}, err
}

// ask sends a request and decodes the response as a T. For a response that is not a success the error wraps a *Problem.
func ask[T any](ctx context.Context, c *Client, method, path string, body any, headers ...Header) (T, error) {
	var v T
	r, err := c.Request(ctx, method, path, body, headers...)
	if err != nil {
		return v, err
	}
	if r.Status/100 != 2 {
		return v, fmt.Errorf("%s %s: %w", method, path, r.Problem())
	}
	if err := json.Unmarshal(r.Body, &v); err != nil {
		return v, fmt.Errorf("%s %s answered %d with another body: %w", method, path, r.Status, err)
	}
	return v, nil
}

// Comprar sends a purchase.
func (c *Client) Comprar(ctx context.Context, s contracts.SolicitudCompra, headers ...Header) (contracts.Aceptada, error) {
	return ask[contracts.Aceptada](ctx, c, http.MethodPost, "/compras", bodyOf(s), headers...)
}

// bodyOf returns the body of a purchase. It leaves out an empty id.
func bodyOf(s contracts.SolicitudCompra) map[string]any {
	body := map[string]any{"id_usuario": s.IDUsuario, "productos": s.Productos, "domicilio": s.Domicilio}
	if s.ID != "" {
		body["id"] = s.ID
	}
	if s.Direccion != nil {
		body["direccion"] = s.Direccion
	}
	if s.Tienda != "" {
		body["tienda"] = s.Tienda
	}
	return body
}

// Load returns a purchase with its history.
func (c *Client) Load(ctx context.Context, id string) (contracts.Compra, error) {
	return ask[contracts.Compra](ctx, c, http.MethodGet, "/compras/"+url.PathEscape(id), nil)
}

// Page is a part of the purchases of a customer. Siguiente is the cursor of the next page, empty at the end.
type Page struct {
	Compras   []contracts.Compra `json:"compras"`
	Siguiente string             `json:"siguiente"`
}

// OfUsuario returns a page of at most limit purchases of a customer, the newest first. after is the cursor of the page before.
func (c *Client) OfUsuario(ctx context.Context, usuario string, limit int, after string) (Page, error) {
	query := url.Values{"limite": {fmt.Sprint(limit)}}
	if after != "" {
		query.Set("despues", after)
	}
	return ask[Page](ctx, c, http.MethodGet, "/usuarios/"+url.PathEscape(usuario)+"/compras?"+query.Encode(), nil)
}

// Productos returns all products with their stock.
func (c *Client) Productos(ctx context.Context) ([]contracts.Producto, error) {
	return ask[[]contracts.Producto](ctx, c, http.MethodGet, "/productos", nil)
}

// Producto returns one product.
func (c *Client) Producto(ctx context.Context, id string) (contracts.Producto, error) {
	return ask[contracts.Producto](ctx, c, http.MethodGet, "/productos/"+url.PathEscape(id), nil)
}

// Reponer adds cantidad units to the stock of a product. A second call with the same key adds nothing.
func (c *Client) Reponer(ctx context.Context, id string, cantidad int, key string) (contracts.Producto, error) {
	return ask[contracts.Producto](ctx, c, http.MethodPost, "/productos/"+url.PathEscape(id)+"/reposicion",
		map[string]int{"cantidad": cantidad}, WithIdempotencyKey(key))
}

// CambiarPrecio changes the price of a product. key is the Idempotency-Key.
func (c *Client) CambiarPrecio(ctx context.Context, id string, p contracts.CambioDePrecio, key string) (contracts.Producto, error) {
	return ask[contracts.Producto](ctx, c, http.MethodPost, "/productos/"+url.PathEscape(id)+"/precio", p, WithIdempotencyKey(key))
}

// Cancelar requests the cancellation of a purchase.
func (c *Client) Cancelar(ctx context.Context, id, motivo string) (contracts.Aceptada, error) {
	return ask[contracts.Aceptada](ctx, c, http.MethodPost, "/compras/"+url.PathEscape(id)+"/cancelacion", map[string]string{"motivo": motivo})
}

// Decide approves or rejects a purchase that waits for approval.
func (c *Client) Decide(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error) {
	return ask[contracts.Aceptada](ctx, c, http.MethodPost, "/compras/"+url.PathEscape(id)+"/aprobacion", map[string]any{"aprobada": aprobada, "motivo": motivo})
}

// Orden returns an order.
func (c *Client) Orden(ctx context.Context, id string) (contracts.Orden, error) {
	return ask[contracts.Orden](ctx, c, http.MethodGet, "/ordenes/"+url.PathEscape(id), nil)
}

// Despachar dispatches an order.
func (c *Client) Despachar(ctx context.Context, id string) (contracts.Orden, error) {
	return ask[contracts.Orden](ctx, c, http.MethodPost, "/ordenes/"+url.PathEscape(id)+"/despacho", nil)
}

// BorrarDatos erases the personal data of a customer from what has ended.
func (c *Client) BorrarDatos(ctx context.Context, usuario string) (contracts.DatosBorrados, error) {
	return ask[contracts.DatosBorrados](ctx, c, http.MethodPost, "/usuarios/"+url.PathEscape(usuario)+"/borrado", nil)
}
