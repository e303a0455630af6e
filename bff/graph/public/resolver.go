package public

import (
	"context"
	"time"

	"entregas/bff/access"
	"entregas/bff/compras"
	"entregas/bff/graph/common"
	"entregas/bff/optional"
	"entregas/contracts"
	"entregas/internal/rest"
)

// Live streams the changes of a purchase.
type Live interface {
	// Changes returns the changes of the purchase id after the number last, until ctx ends or the purchase can change no more.
	Changes(ctx context.Context, id string, last int) (<-chan compras.Change, error)
}

type root struct {
	gate access.Gate
	feed Live
}

func (r root) Query() QueryResolver                     { return queryResolver{r} }
func (r root) Mutation() MutationResolver               { return r }
func (r root) Subscription() SubscriptionResolver       { return r }
func (r root) Compra() CompraResolver                   { return compraResolver{r} }
func (r root) MensajeMuerto() MensajeMuertoResolver     { return ofDeadLetter{} }
func (r root) MensajeDeSaga() MensajeDeSagaResolver     { return ofMessage{} }
func (r root) RespuestaTardia() RespuestaTardiaResolver { return ofLate{} }
func (r root) MuestraDeColas() MuestraDeColasResolver   { return ofSample{} }
func (r root) Orden() OrdenResolver                     { return ofOrden{} }
func (r root) Resumen() ResumenResolver                 { return ofSummary{} }

// Comprar implements MutationResolver.
func (r root) Comprar(ctx context.Context, c contracts.SolicitudCompra, clave *string) (*contracts.Aceptada, error) {
	key, err := common.Key(ctx, clave)
	if err != nil {
		return nil, err
	}
	return orNull(r.gate.Create(ctx, c, key))
}

// Cancelar implements MutationResolver.
func (r root) Cancelar(ctx context.Context, id string, motivo *string) (*contracts.Aceptada, error) {
	a, _, err := r.gate.Cancelar(ctx, id, optional.Or(motivo, ""))
	return orNull(a, err)
}

// Aprobar implements MutationResolver.
func (r root) Aprobar(ctx context.Context, id string, aprobada bool, motivo *string) (*contracts.Aceptada, error) {
	return orNull(r.gate.Aprobar(ctx, id, aprobada, optional.Or(motivo, "")))
}

// Reintentar implements MutationResolver.
func (r root) Reintentar(ctx context.Context, id string) (*contracts.Aceptada, error) {
	return orNull(r.gate.Reintentar(ctx, id))
}

// Despachar implements MutationResolver.
func (r root) Despachar(ctx context.Context, idOrden string) (*contracts.Orden, error) {
	return orNull(r.gate.Despachar(ctx, idOrden))
}

// DespacharOrdenes implements MutationResolver.
func (r root) DespacharOrdenes(ctx context.Context, ids []string) ([]rest.Resultado, error) {
	return r.gate.DespacharMany(ctx, contracts.Despachos{IDs: ids})
}

// DecidirCompras implements MutationResolver.
func (r root) DecidirCompras(ctx context.Context, decisiones []contracts.Decision) ([]rest.Resultado, error) {
	return r.gate.AprobarMany(ctx, contracts.Decisiones{Decisiones: decisiones})
}

// BorrarDatos implements MutationResolver.
func (r root) BorrarDatos(ctx context.Context, idUsuario string) (*contracts.DatosBorrados, error) {
	return orNull(r.gate.BorrarDatos(ctx, idUsuario))
}

// Reponer implements MutationResolver.
func (r root) Reponer(ctx context.Context, idProducto string, cantidad int, clave *string) (*contracts.Producto, error) {
	key, err := common.Key(ctx, clave)
	if err != nil {
		return nil, err
	}
	return orNull(r.gate.Reponer(ctx, idProducto, cantidad, key))
}

// CambiarPrecio implements MutationResolver.
func (r root) CambiarPrecio(ctx context.Context, idProducto string, precio int64, moneda, motivo, clave *string) (*contracts.Producto, error) {
	key, err := common.Key(ctx, clave)
	if err != nil {
		return nil, err
	}
	change := contracts.CambioDePrecio{Precio: precio, Moneda: optional.Or(moneda, ""), Motivo: optional.Or(motivo, "")}
	return orNull(r.gate.CambiarPrecio(ctx, idProducto, change, key))
}

// Corregir implements MutationResolver.
func (r root) Corregir(ctx context.Context, idProducto string, cantidad int, motivo string, clave *string) (*contracts.Producto, error) {
	key, err := common.Key(ctx, clave)
	if err != nil {
		return nil, err
	}
	return orNull(r.gate.Corregir(ctx, idProducto, contracts.Correccion{Cantidad: cantidad, Motivo: motivo}, key))
}

// CambiarUmbral implements MutationResolver.
func (r root) CambiarUmbral(ctx context.Context, idProducto string, umbral int) (*contracts.LineaDeBalance, error) {
	return orNull(r.gate.CambiarUmbral(ctx, idProducto, &umbral))
}

// Importar implements MutationResolver.
func (r root) Importar(ctx context.Context, csv string, ensayo *bool, clave *string) (*contracts.Importacion, error) {
	key, err := common.Key(ctx, clave)
	if err != nil {
		return nil, err
	}
	return orNull(r.gate.Importar(ctx, contracts.SolicitudDeImportacion{CSV: csv, Ensayo: optional.Or(ensayo, false)}, key))
}

// DevolverMensaje implements MutationResolver.
func (r root) DevolverMensaje(ctx context.Context, id string) (*contracts.MensajeMuerto, error) {
	return orNull(r.gate.PutBackDeadLetter(ctx, id))
}

// DevolverMensajes implements MutationResolver.
func (r root) DevolverMensajes(ctx context.Context, ids []string) ([]contracts.ResultadoDeDevolucion, error) {
	return r.gate.PutBackDeadLetters(ctx, ids)
}

// DescartarMensaje implements MutationResolver.
func (r root) DescartarMensaje(ctx context.Context, id, motivo string) (*contracts.MensajeMuerto, error) {
	return orNull(r.gate.Discard(ctx, id, motivo))
}

// ApartarMensaje implements MutationResolver.
func (r root) ApartarMensaje(ctx context.Context, id string) (*contracts.MensajeMuerto, error) {
	return orNull(r.gate.SetAside(ctx, id))
}

// Cambios implements SubscriptionResolver.
func (r root) Cambios(ctx context.Context, id string, desde *int) (<-chan compras.Change, error) {
	return r.feed.Changes(ctx, id, optional.Or(desde, -1))
}

// queryResolver implements QueryResolver.
type queryResolver struct{ root }

func (c queryResolver) Productos(ctx context.Context, search *string) ([]contracts.Producto, error) {
	return c.gate.Productos(ctx, optional.Or(search, ""))
}

func (c queryResolver) Producto(ctx context.Context, id string) (*contracts.Producto, error) {
	return orNull(c.gate.Producto(ctx, id))
}

func (c queryResolver) Precios(ctx context.Context, idProducto string, limit *int, after *string) (*contracts.PaginaDePrecios, error) {
	return orNull(c.gate.Precios(ctx, idProducto, optional.Or(limit, compras.DefaultPage), optional.Or(after, "")))
}

func (c queryResolver) Tiendas(ctx context.Context) ([]contracts.Tienda, error) {
	return c.gate.Tiendas(ctx)
}

func (c queryResolver) Compra(ctx context.Context, id string) (*contracts.Compra, error) {
	l, err := c.gate.Load(ctx, id)
	common.SecondHand(ctx, l.Age)
	return orNull(l.Compra, err)
}

func (c queryResolver) MisCompras(ctx context.Context, idUsuario *string, estados []contracts.Estado, limit *int, after *string) (*compras.Page, error) {
	page, err := c.gate.OfUsuario(ctx, optional.Or(idUsuario, own(ctx)), optional.Or(limit, compras.DefaultPage), optional.Or(after, ""), estados...)
	common.SecondHand(ctx, page.Age)
	return orNull(page, err)
}

func (c queryResolver) Compras(ctx context.Context, texto *string, estados []contracts.Estado, idUsuario, idProducto *string, domicilio *bool,
	desde, hasta, cambiadaDesde, orden *string, count *bool, limit *int, after *string,
) (*compras.Page, error) {
	return orNull(c.gate.Buscar(ctx, contracts.ComprasQuery{
		Texto: optional.Or(texto, ""), Estados: estados, IDUsuario: optional.Or(idUsuario, ""), IDProducto: optional.Or(idProducto, ""), Domicilio: domicilio,
		Desde: optional.Or(desde, ""), Hasta: optional.Or(hasta, ""), CambiadaDesde: optional.Or(cambiadaDesde, ""),
		Orden: optional.Or(orden, ""), Despues: optional.Or(after, ""),
	}, optional.Or(limit, compras.DefaultPage), optional.Or(count, false)))
}

func (c queryResolver) Orden(ctx context.Context, id string) (*contracts.Orden, error) {
	return orNull(c.gate.Orden(ctx, id))
}

func (c queryResolver) Ordenes(ctx context.Context, estado *contracts.EstadoOrden, domicilio *bool, zona *string, limit *int, after *string) (*contracts.PaginaDeOrdenes, error) {
	filter := contracts.OrdenesFilter{Estado: optional.Or(estado, contracts.EstadoOrdenCreada), Domicilio: domicilio, Zona: zona}
	return orNull(c.gate.Ordenes(ctx, filter, optional.Or(limit, compras.DefaultPage), optional.Or(after, "")))
}

func (c queryResolver) Zonas(ctx context.Context) ([]contracts.ZonaDeOrdenes, error) {
	return c.gate.Zonas(ctx)
}

func (c queryResolver) PorAprobar(ctx context.Context, limit *int, after *string) (*contracts.PaginaPorAprobar, error) {
	return orNull(c.gate.PorAprobar(ctx, optional.Or(limit, compras.DefaultPage), optional.Or(after, "")))
}

func (c queryResolver) Pendientes(ctx context.Context) (*contracts.PendientesDeOperacion, error) {
	return orNull(c.gate.Pendientes(ctx))
}

func (c queryResolver) Resumen(ctx context.Context, seconds *int) (*contracts.Resumen, error) {
	return orNull(c.gate.Resumen(ctx, optional.Or(seconds, access.DefaultWindow)))
}

func (c queryResolver) Salud(ctx context.Context) (*contracts.Salud, error) {
	return orNull(c.gate.Salud(ctx))
}

func (c queryResolver) Colas(ctx context.Context, minutes *int) (*contracts.Colas, error) {
	return orNull(c.gate.Colas(ctx, optional.Or(minutes, access.DefaultMinutes)))
}

func (c queryResolver) Balance(ctx context.Context, buscar *string, bajas *bool, after *string) ([]contracts.LineaDeBalance, error) {
	return c.gate.Balance(ctx, contracts.BalanceFilter{Buscar: optional.Or(buscar, ""), Bajas: optional.Or(bajas, false)}, optional.Or(after, ""))
}

func (c queryResolver) Movimientos(ctx context.Context, idProducto string, tipo *string, limit *int, after *string) (*contracts.PaginaDeMovimientos, error) {
	return orNull(c.gate.Movimientos(ctx, idProducto, optional.Or(tipo, ""), optional.Or(limit, compras.DefaultPage), optional.Or(after, "")))
}

func (c queryResolver) MensajesMuertos(ctx context.Context, tema, origen, motivo *string, desde, hasta *time.Time, descartados *bool) ([]contracts.MensajeMuerto, error) {
	return c.gate.DeadLetters(ctx, contracts.MensajesMuertosFilter{
		Tema: optional.Or(tema, ""), Origen: optional.Or(origen, ""), Motivo: optional.Or(motivo, ""),
		Desde: optional.Or(desde, time.Time{}), Hasta: optional.Or(hasta, time.Time{}), Descartados: optional.Or(descartados, false),
	})
}

func (c queryResolver) MensajeMuerto(ctx context.Context, id string) (*contracts.MensajeMuerto, error) {
	return orNull(c.gate.DeadLetter(ctx, id))
}

func (c queryResolver) Auditoria(ctx context.Context, subject *string, tipos []contracts.TipoDeActo, from, to, id *string, limit *int, after *string) (*contracts.PaginaDeActos, error) {
	q := contracts.ActosQuery{Sujeto: subject, Desde: from, Hasta: to, ID: id, Limite: limit, Despues: after}
	if tipos != nil {
		q.Tipo = &tipos
	}
	return orNull(c.gate.Actos(ctx, q))
}

type compraResolver struct{ root }

func (d compraResolver) Mensajes(ctx context.Context, c *contracts.Compra) ([]contracts.MensajeDeSaga, error) {
	return d.gate.Mensajes(ctx, c.ID)
}

// orNull returns the value of a field of the root: nil with an error, so that the other fields are still answered.
func orNull[T any](v T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return &v, nil
}
