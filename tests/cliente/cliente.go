package cliente

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

// Cliente speaks the public REST interface.
type Cliente struct {
	base      string // with /api where the bff is asked
	http      *http.Client
	acreditar func(*http.Request) error // adds the caller's credentials
}

// Nuevo asks the bff at base, for example http://127.0.0.1:8888, as an operator where the Entorno that named it can tell how.
func Nuevo(base string) *Cliente { return con(base, "/api") }

// Directo asks a service itself, which has the same routes without /api, with what the Entorno that named it says it wants.
func Directo(base string) *Cliente { return con(base, "") }

// con keeps connections for many requests at once; a stream's end is its context's.
func con(base, prefijo string) *Cliente {
	return &Cliente{
		base: base + prefijo, acreditar: func(r *http.Request) error { return acreditar(r, base) },
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, ResponseHeaderTimeout: 20 * time.Second}},
	}
}

// Problema is the error behind an answer that is not a success: RFC 9457's fields.
type Problema struct {
	Type    string                    `json:"type"`
	Title   string                    `json:"title"`
	Status  int                       `json:"status"`
	Detail  string                    `json:"detail"`
	Errores []contracts.CampoInvalido `json:"errores"`
}

func (p *Problema) Error() string {
	texto := fmt.Sprintf("%d %s: %s", p.Status, p.Title, p.Detail)
	for _, c := range p.Errores {
		texto += fmt.Sprintf(" [%s: %s]", c.Campo, c.Detalle)
	}
	return texto
}

// Respuesta is an answer as it came.
type Respuesta struct {
	Estado    int
	Cabeceras http.Header
	Cuerpo    []byte
}

// Problema is the problem that the answer tells of; its status alone where the body is none.
func (r Respuesta) Problema() *Problema {
	p := &Problema{}
	if err := json.Unmarshal(r.Cuerpo, p); err != nil || p.Status == 0 {
		p.Title, p.Detail = http.StatusText(r.Estado), string(r.Cuerpo[:min(len(r.Cuerpo), 300)])
	}
	p.Status = r.Estado
	return p
}

// Cabecera is a header of a request.
type Cabecera struct{ Nombre, Valor string }

// ClaveIdempotencia names a sending, so that it can be sent again.
func ClaveIdempotencia(clave string) Cabecera { return Cabecera{"Idempotency-Key", clave} }

// Pedir sends a request and reads the whole answer. cuerpo may be nil, the bytes to send, or a value for JSON.
// Its error is only that there was no answer.
func (c *Cliente) Pedir(ctx context.Context, metodo, ruta string, cuerpo any, cabeceras ...Cabecera) (Respuesta, error) {
	var lector io.Reader
	switch v := cuerpo.(type) {
	case nil:
	case []byte:
		lector = bytes.NewReader(v)
	default:
		texto, err := json.Marshal(v)
		if err != nil {
			return Respuesta{}, err
		}
		lector = bytes.NewReader(texto)
	}
	peticion, err := http.NewRequestWithContext(ctx, metodo, c.base+ruta, lector)
	if err != nil {
		return Respuesta{}, err
	}
	if lector != nil {
		peticion.Header.Set("Content-Type", "application/json")
	}
	for _, h := range cabeceras {
		peticion.Header.Set(h.Nombre, h.Valor)
	}
	if err := c.acreditar(peticion); err != nil {
		return Respuesta{}, err
	}
	r, err := c.http.Do(peticion)
	if err != nil {
		return Respuesta{}, err
	}
	defer r.Body.Close()
	texto, err := io.ReadAll(r.Body)
	return Respuesta{Estado: r.StatusCode, Cabeceras: r.Header, Cuerpo: texto}, err
}

// pedir is Pedir for callers that want a T or an error, *Problema where there was an answer.
func pedir[T any](ctx context.Context, c *Cliente, metodo, ruta string, cuerpo any, cabeceras ...Cabecera) (T, error) {
	var v T
	r, err := c.Pedir(ctx, metodo, ruta, cuerpo, cabeceras...)
	if err != nil {
		return v, err
	}
	if r.Estado/100 != 2 {
		return v, fmt.Errorf("%s %s: %w", metodo, ruta, r.Problema())
	}
	if err := json.Unmarshal(r.Cuerpo, &v); err != nil {
		return v, fmt.Errorf("%s %s respondió %d con otra cosa: %w", metodo, ruta, r.Estado, err)
	}
	return v, nil
}

// Comprar sends a purchase.
func (c *Cliente) Comprar(ctx context.Context, s contracts.SolicitudCompra, cabeceras ...Cabecera) (contracts.Aceptada, error) {
	return pedir[contracts.Aceptada](ctx, c, http.MethodPost, "/compras", cuerpoDe(s), cabeceras...)
}

// cuerpoDe leaves the id out where the customer gives none.
func cuerpoDe(s contracts.SolicitudCompra) map[string]any {
	cuerpo := map[string]any{"id_usuario": s.IDUsuario, "productos": s.Productos, "domicilio": s.Domicilio}
	if s.ID != "" {
		cuerpo["id"] = s.ID
	}
	return cuerpo
}

// Leer reads a purchase with its history.
func (c *Cliente) Leer(ctx context.Context, id string) (contracts.Compra, error) {
	return pedir[contracts.Compra](ctx, c, http.MethodGet, "/compras/"+url.PathEscape(id), nil)
}

// Pagina is a part of a customer's purchases.
type Pagina struct {
	Compras   []contracts.Compra `json:"compras"`
	Siguiente string             `json:"siguiente"`
}

// DeUsuario reads a page of at most limite purchases of a customer, newest first.
func (c *Cliente) DeUsuario(ctx context.Context, usuario string, limite int, despues string) (Pagina, error) {
	consulta := url.Values{"limite": {fmt.Sprint(limite)}}
	if despues != "" {
		consulta.Set("despues", despues)
	}
	return pedir[Pagina](ctx, c, http.MethodGet, "/usuarios/"+url.PathEscape(usuario)+"/compras?"+consulta.Encode(), nil)
}

// Productos lists the products with their stock.
func (c *Cliente) Productos(ctx context.Context) ([]contracts.Producto, error) {
	return pedir[[]contracts.Producto](ctx, c, http.MethodGet, "/productos", nil)
}

// Producto reads one product.
func (c *Cliente) Producto(ctx context.Context, id string) (contracts.Producto, error) {
	return pedir[contracts.Producto](ctx, c, http.MethodGet, "/productos/"+url.PathEscape(id), nil)
}

// Reponer adds stock. clave makes that sending it again adds nothing.
func (c *Cliente) Reponer(ctx context.Context, id string, cantidad int, clave string) (contracts.Producto, error) {
	return pedir[contracts.Producto](ctx, c, http.MethodPost, "/productos/"+url.PathEscape(id)+"/reposicion",
		map[string]int{"cantidad": cantidad}, ClaveIdempotencia(clave))
}

// Cancelar asks that a purchase be cancelled.
func (c *Cliente) Cancelar(ctx context.Context, id, motivo string) (contracts.Aceptada, error) {
	return pedir[contracts.Aceptada](ctx, c, http.MethodPost, "/compras/"+url.PathEscape(id)+"/cancelacion", map[string]string{"motivo": motivo})
}

// Decidir approves or rejects a purchase that awaits it.
func (c *Cliente) Decidir(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error) {
	return pedir[contracts.Aceptada](ctx, c, http.MethodPost, "/compras/"+url.PathEscape(id)+"/aprobacion", map[string]any{"aprobada": aprobada, "motivo": motivo})
}

// Orden reads an order.
func (c *Cliente) Orden(ctx context.Context, id string) (contracts.Orden, error) {
	return pedir[contracts.Orden](ctx, c, http.MethodGet, "/ordenes/"+url.PathEscape(id), nil)
}

// Despachar sends an order out of the warehouse.
func (c *Cliente) Despachar(ctx context.Context, id string) (contracts.Orden, error) {
	return pedir[contracts.Orden](ctx, c, http.MethodPost, "/ordenes/"+url.PathEscape(id)+"/despacho", nil)
}
