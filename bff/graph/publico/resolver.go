package publico

import (
	"context"
	"maps"
	"slices"

	"entregas/contracts"
	"entregas/services/bff/acceso"
	"entregas/services/bff/compras"
	"entregas/services/bff/graph/comun"
	"entregas/services/bff/optional"
)

// EnVivo tells a purchase's changes as they happen.
type EnVivo interface {
	// Cambios gives those after the number ultimo, until ctx ends or there can be no more.
	Cambios(ctx context.Context, id string, ultimo int) (<-chan compras.Cambio, error)
}

type raiz struct {
	puerta acceso.Puerta
	enVivo EnVivo
}

func (r raiz) Query() QueryResolver                     { return consultas{r} }
func (r raiz) Mutation() MutationResolver               { return r }
func (r raiz) Subscription() SubscriptionResolver       { return r }
func (r raiz) Compra() CompraResolver                   { return deCompra{r} }
func (r raiz) MensajeMuerto() MensajeMuertoResolver     { return deMuerto{} }
func (r raiz) MensajeDeSaga() MensajeDeSagaResolver     { return deMensaje{} }
func (r raiz) RespuestaTardia() RespuestaTardiaResolver { return deTardia{} }
func (r raiz) MuestraDeColas() MuestraDeColasResolver   { return deMuestra{} }
func (r raiz) Orden() OrdenResolver                     { return deOrden{} }
func (r raiz) Resumen() ResumenResolver                 { return deResumen{} }

// Comprar implements MutationResolver.
func (r raiz) Comprar(ctx context.Context, c contracts.SolicitudCompra, clave *string) (*contracts.Aceptada, error) {
	key, err := comun.Key(ctx, clave)
	if err != nil {
		return nil, err
	}
	return orNull(r.puerta.Crear(ctx, c, key))
}

// Cancelar implements MutationResolver.
func (r raiz) Cancelar(ctx context.Context, id string, motivo *string) (*contracts.Aceptada, error) {
	a, _, err := r.puerta.Cancelar(ctx, id, optional.Or(motivo, ""))
	return orNull(a, err)
}

// Aprobar implements MutationResolver.
func (r raiz) Aprobar(ctx context.Context, id string, aprobada bool, motivo *string) (*contracts.Aceptada, error) {
	return orNull(r.puerta.Aprobar(ctx, id, aprobada, optional.Or(motivo, "")))
}

// Reintentar implements MutationResolver.
func (r raiz) Reintentar(ctx context.Context, id string) (*contracts.Aceptada, error) {
	return orNull(r.puerta.Reintentar(ctx, id))
}

// Despachar implements MutationResolver.
func (r raiz) Despachar(ctx context.Context, idOrden string) (*contracts.Orden, error) {
	return orNull(r.puerta.Despachar(ctx, idOrden))
}

// Reponer implements MutationResolver.
func (r raiz) Reponer(ctx context.Context, idProducto string, cantidad int, clave *string) (*contracts.Producto, error) {
	key, err := comun.Key(ctx, clave)
	if err != nil {
		return nil, err
	}
	return orNull(r.puerta.Reponer(ctx, idProducto, cantidad, key))
}

// ReponerMensaje implements MutationResolver.
func (r raiz) ReponerMensaje(ctx context.Context, id string) (*contracts.MensajeMuerto, error) {
	return orNull(r.puerta.ReponerMuerto(ctx, id))
}

// ApartarMensaje implements MutationResolver.
func (r raiz) ApartarMensaje(ctx context.Context, id string) (*contracts.MensajeMuerto, error) {
	return orNull(r.puerta.SetAside(ctx, id))
}

// Cambios implements SubscriptionResolver.
func (r raiz) Cambios(ctx context.Context, id string, desde *int) (<-chan compras.Cambio, error) {
	return r.enVivo.Cambios(ctx, id, optional.Or(desde, -1))
}

// consultas implements QueryResolver.
type consultas struct{ raiz }

func (c consultas) Productos(ctx context.Context, buscar *string) ([]contracts.Producto, error) {
	return c.puerta.Productos(ctx, optional.Or(buscar, ""))
}

func (c consultas) Producto(ctx context.Context, id string) (*contracts.Producto, error) {
	return orNull(c.puerta.Producto(ctx, id))
}

func (c consultas) Compra(ctx context.Context, id string) (*contracts.Compra, error) {
	l, err := c.puerta.Leer(ctx, id)
	comun.SecondHand(ctx, l.Edad)
	return orNull(l.Compra, err)
}

func (c consultas) MisCompras(ctx context.Context, idUsuario *string, estados []contracts.Estado, limite *int, despues *string) (*compras.Pagina, error) {
	page, err := c.puerta.DeUsuario(ctx, optional.Or(idUsuario, propio(ctx)), optional.Or(limite, compras.PaginaNormal), optional.Or(despues, ""), estados...)
	comun.SecondHand(ctx, page.Edad)
	return orNull(page, err)
}

func (c consultas) Compras(ctx context.Context, estados []contracts.Estado, idUsuario *string, domicilio *bool, limite *int, despues *string) (*compras.Pagina, error) {
	return orNull(c.puerta.Buscar(ctx, contracts.FiltroCompras{Estados: estados, IDUsuario: optional.Or(idUsuario, ""), Domicilio: domicilio},
		optional.Or(limite, compras.PaginaNormal), optional.Or(despues, "")))
}

func (c consultas) Orden(ctx context.Context, id string) (*contracts.Orden, error) {
	return orNull(c.puerta.Orden(ctx, id))
}

func (c consultas) Resumen(ctx context.Context, segundos *int) (*contracts.Resumen, error) {
	return orNull(c.puerta.Resumen(ctx, optional.Or(segundos, acceso.VentanaNormal)))
}

func (c consultas) Colas(ctx context.Context, minutos *int) (*contracts.Colas, error) {
	return orNull(c.puerta.Colas(ctx, optional.Or(minutos, acceso.MinutosNormales)))
}

func (c consultas) Balance(ctx context.Context) ([]contracts.LineaDeBalance, error) {
	return c.puerta.Balance(ctx)
}

func (c consultas) MensajesMuertos(ctx context.Context) ([]contracts.MensajeMuerto, error) {
	return c.puerta.Muertos(ctx)
}

type deCompra struct{ raiz }

func (d deCompra) Mensajes(ctx context.Context, c *contracts.Compra) ([]contracts.MensajeDeSaga, error) {
	return d.puerta.Mensajes(ctx, c.ID)
}

type deMensaje struct{}

func (deMensaje) Comando(_ context.Context, m *contracts.MensajeDeSaga) (string, error) {
	return string(m.Comando), nil
}

func (deMensaje) Respuesta(_ context.Context, m *contracts.MensajeDeSaga) (string, error) {
	return string(m.Respuesta), nil
}

type deMuerto struct{}

func (deMuerto) Registro(_ context.Context, m *contracts.MensajeMuerto) (string, error) {
	return string(m.Registro), nil
}

type deTardia struct{}

func (deTardia) Tipo(_ context.Context, t *contracts.RespuestaTardia) (string, error) {
	return string(t.Tipo), nil
}

type deOrden struct{}

func (deOrden) Estado(_ context.Context, o *contracts.Orden) (string, error) {
	return string(o.Estado), nil
}

type deMuestra struct{}

func (deMuestra) Pendientes(_ context.Context, m *contracts.MuestraDeColas) ([]Pendientes, error) {
	lista := []Pendientes{}
	for _, tema := range slices.Sorted(maps.Keys(m.Pendientes)) {
		lista = append(lista, Pendientes{Tema: tema, Pendientes: int(m.Pendientes[tema])})
	}
	return lista, nil
}

type deResumen struct{}

func (deResumen) Estados(_ context.Context, r *contracts.Resumen) ([]ComprasEnEstado, error) {
	lista := []ComprasEnEstado{}
	for _, e := range contracts.Estados {
		if n := r.Estados[e]; n > 0 {
			lista = append(lista, ComprasEnEstado{Estado: e, Cuantas: n})
		}
	}
	return lista, nil
}

// orNull is a field of the root: null where err says why it is not there, so that the others are answered all the same.
func orNull[T any](v T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return &v, nil
}
