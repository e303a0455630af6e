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
	cabeceras, err := g.llamar(ctx, http.MethodGet, ruta("usuarios", usuario, "compras")+"?"+consulta.Encode(), nil, &lista)
	if err != nil {
		return compras.Pagina{}, err
	}
	return compras.Pagina{Compras: lista, Siguiente: siguiente(cabeceras.Values("Link"))}, nil
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

// Productos is admin-productos. It implements compras.Productos.
type Productos struct{ *Servicio }

// Listar implements compras.Productos.
func (p Productos) Listar(ctx context.Context) (lista []contracts.Producto, err error) {
	_, err = p.llamar(ctx, http.MethodGet, ruta("productos"), nil, &lista)
	return lista, err
}

// Leer implements compras.Productos.
func (p Productos) Leer(ctx context.Context, id string) (producto contracts.Producto, err error) {
	_, err = p.llamar(ctx, http.MethodGet, ruta("productos", id), nil, &producto)
	return producto, err
}
