package dapr

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"entregas/contracts"
	"entregas/services/bff/compras"
)

// Gestor is gestor-compra. It implements compras.Gestor.
type Gestor struct{ *Servicio }

// Crear implements compras.Gestor.
func (g Gestor) Crear(ctx context.Context, s contracts.SolicitudCompra) (a contracts.Aceptada, err error) {
	_, err = g.llamar(ctx, http.MethodPost, ruta("compras"), s, &a)
	return a, err
}

// Leer implements compras.Gestor.
func (g Gestor) Leer(ctx context.Context, id string) (c contracts.Compra, err error) {
	_, err = g.llamar(ctx, http.MethodGet, ruta("compras", id), nil, &c)
	return c, err
}

// DeUsuario implements compras.Gestor.
func (g Gestor) DeUsuario(ctx context.Context, usuario string, limite int, despues string) (compras.Pagina, error) {
	consulta := url.Values{"limite": {strconv.Itoa(limite)}}
	if despues != "" {
		consulta.Set("despues", despues)
	}
	var lista []contracts.Compra
	r, err := g.llamar(ctx, http.MethodGet, ruta("usuarios", usuario, "compras")+"?"+consulta.Encode(), nil, &lista)
	if err != nil {
		return compras.Pagina{}, err
	}
	return compras.Pagina{Compras: lista, Siguiente: siguiente(r.cabeceras.Values("Link"))}, nil
}

// Cancelar implements compras.Decisiones.
func (g Gestor) Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, hecha bool, err error) {
	r, err := g.llamar(ctx, http.MethodPost, ruta("compras", id, "cancelacion"), map[string]string{"motivo": motivo}, &a)
	return a, r.estado == http.StatusOK, err
}

// Aprobar implements compras.Decisiones.
func (g Gestor) Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (a contracts.Aceptada, err error) {
	_, err = g.llamar(ctx, http.MethodPost, ruta("compras", id, "aprobacion"), map[string]any{"aprobada": aprobada, "motivo": motivo}, &a)
	return a, err
}

var enlaceSiguiente = regexp.MustCompile(`<([^>]*)>\s*;\s*rel="?next"?`)

// siguiente is the cursor in a Link header's next page, "" when there is none.
func siguiente(enlaces []string) string {
	for _, e := range enlaces {
		if partes := enlaceSiguiente.FindStringSubmatch(e); partes != nil {
			if direccion, err := url.Parse(partes[1]); err == nil {
				return direccion.Query().Get("despues")
			}
		}
	}
	return ""
}

// Productos is admin-productos. It implements rest.Productos.
type Productos struct{ *Servicio }

// Listar implements rest.Productos.
func (p Productos) Listar(ctx context.Context) (lista []contracts.Producto, err error) {
	_, err = p.llamar(ctx, http.MethodGet, ruta("productos"), nil, &lista)
	return lista, err
}

// Leer implements rest.Productos.
func (p Productos) Leer(ctx context.Context, id string) (producto contracts.Producto, err error) {
	_, err = p.llamar(ctx, http.MethodGet, ruta("productos", id), nil, &producto)
	return producto, err
}

// Reponer implements rest.Productos.
func (p Productos) Reponer(ctx context.Context, id string, cantidad int, clave string) (producto contracts.Producto, err error) {
	_, err = p.llamar(ctx, http.MethodPost, ruta("productos", id, "reposicion"), map[string]int{"cantidad": cantidad}, &producto,
		http.Header{"Idempotency-Key": {clave}})
	return producto, err
}

// Ordenes is the service ordenes. It implements rest.Ordenes.
type Ordenes struct{ *Servicio }

// Leer implements rest.Ordenes.
func (o Ordenes) Leer(ctx context.Context, id string) (orden contracts.Orden, err error) {
	_, err = o.llamar(ctx, http.MethodGet, ruta("ordenes", id), nil, &orden)
	return orden, err
}

// Despachar implements rest.Ordenes.
func (o Ordenes) Despachar(ctx context.Context, id string) (orden contracts.Orden, err error) {
	_, err = o.llamar(ctx, http.MethodPost, ruta("ordenes", id, "despacho"), nil, &orden)
	return orden, err
}
