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

// Client speaks the public REST interface.
type Client struct {
	baseURL        string // with /api where the bff is asked
	http           *http.Client
	addCredentials func(*http.Request) error // adds the caller's credentials
}

// New asks the bff at base, for example http://127.0.0.1:8888, as an operator where the Env that named it can tell how.
func New(baseURL string) *Client { return with(baseURL, "/api") }

// Direct asks a service itself, which has the same routes without /api, with what the Env that named it says it wants.
func Direct(baseURL string) *Client { return with(baseURL, "") }

// con keeps connections for many requests at once; a stream's end is its context's.
func with(baseURL, prefix string) *Client {
	return &Client{
		baseURL: baseURL + prefix, addCredentials: func(r *http.Request) error { return addCredentials(r, baseURL) },
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, ResponseHeaderTimeout: 20 * time.Second}},
	}
}

// Problem is the error behind an answer that is not a success: RFC 9457's fields.
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

// Response is an answer as it came.
type Response struct {
	Status  int
	Headers http.Header
	Body    []byte
}

// Problem is the problem that the answer tells of; its status alone where the body is none.
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

// WithIdempotencyKey names a sending, so that it can be sent again.
func WithIdempotencyKey(key string) Header { return Header{"Idempotency-Key", key} }

// Request sends a request and reads the whole answer. body may be nil, the bytes to send, or a value for JSON.
// Its error is only that there was no answer.
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

// ask is Request for callers that want a T or an error, *Problem where there was an answer.
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
		return v, fmt.Errorf("%s %s respondió %d con otra cosa: %w", method, path, r.Status, err)
	}
	return v, nil
}

// Comprar sends a purchase.
func (c *Client) Comprar(ctx context.Context, s contracts.SolicitudCompra, headers ...Header) (contracts.Aceptada, error) {
	return ask[contracts.Aceptada](ctx, c, http.MethodPost, "/compras", bodyOf(s), headers...)
}

// bodyOf leaves the id out where the customer gives none.
func bodyOf(s contracts.SolicitudCompra) map[string]any {
	body := map[string]any{"id_usuario": s.IDUsuario, "productos": s.Productos, "domicilio": s.Domicilio}
	if s.ID != "" {
		body["id"] = s.ID
	}
	return body
}

// Load reads a purchase with its history.
func (c *Client) Load(ctx context.Context, id string) (contracts.Compra, error) {
	return ask[contracts.Compra](ctx, c, http.MethodGet, "/compras/"+url.PathEscape(id), nil)
}

// Pagina is a part of a customer's purchases.
type Page struct {
	Compras   []contracts.Compra `json:"compras"`
	Siguiente string             `json:"siguiente"`
}

// OfUsuario reads a page of at most limit purchases of a customer, newest first.
func (c *Client) OfUsuario(ctx context.Context, usuario string, limit int, after string) (Page, error) {
	query := url.Values{"limite": {fmt.Sprint(limit)}}
	if after != "" {
		query.Set("despues", after)
	}
	return ask[Page](ctx, c, http.MethodGet, "/usuarios/"+url.PathEscape(usuario)+"/compras?"+query.Encode(), nil)
}

// Productos lists the products with their stock.
func (c *Client) Productos(ctx context.Context) ([]contracts.Producto, error) {
	return ask[[]contracts.Producto](ctx, c, http.MethodGet, "/productos", nil)
}

// Producto reads one product.
func (c *Client) Producto(ctx context.Context, id string) (contracts.Producto, error) {
	return ask[contracts.Producto](ctx, c, http.MethodGet, "/productos/"+url.PathEscape(id), nil)
}

// Reponer adds stock. key makes that sending it again adds nothing.
func (c *Client) Reponer(ctx context.Context, id string, cantidad int, key string) (contracts.Producto, error) {
	return ask[contracts.Producto](ctx, c, http.MethodPost, "/productos/"+url.PathEscape(id)+"/reposicion",
		map[string]int{"cantidad": cantidad}, WithIdempotencyKey(key))
}

// Cancelar asks that a purchase be cancelled.
func (c *Client) Cancelar(ctx context.Context, id, motivo string) (contracts.Aceptada, error) {
	return ask[contracts.Aceptada](ctx, c, http.MethodPost, "/compras/"+url.PathEscape(id)+"/cancelacion", map[string]string{"motivo": motivo})
}

// Decide approves or rejects a purchase that awaits it.
func (c *Client) Decide(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error) {
	return ask[contracts.Aceptada](ctx, c, http.MethodPost, "/compras/"+url.PathEscape(id)+"/aprobacion", map[string]any{"aprobada": aprobada, "motivo": motivo})
}

// Orden reads an order.
func (c *Client) Orden(ctx context.Context, id string) (contracts.Orden, error) {
	return ask[contracts.Orden](ctx, c, http.MethodGet, "/ordenes/"+url.PathEscape(id), nil)
}

// Despachar sends an order out of the warehouse.
func (c *Client) Despachar(ctx context.Context, id string) (contracts.Orden, error) {
	return ask[contracts.Orden](ctx, c, http.MethodPost, "/ordenes/"+url.PathEscape(id)+"/despacho", nil)
}
