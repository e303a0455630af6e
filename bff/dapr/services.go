package dapr

import (
	"cmp"
	"context"
	"slices"
	"time"

	"entregas/bff/compras"
	"entregas/contracts"
	"entregas/internal/api/adminproductos"
	"entregas/internal/api/gestorcompra"
	"entregas/internal/api/ordenes"
)

// Manager calls gestor-compra. It implements compras.Manager, compras.Decisions, access.Operation and access.Desk.
type Manager struct{ *Service }

func (m Manager) api() *gestorcompra.ClientWithResponses {
	return &gestorcompra.ClientWithResponses{ClientInterface: &gestorcompra.Client{Server: m.server(), Client: m}}
}

// Create implements compras.Manager.
func (m Manager) Create(ctx context.Context, s contracts.SolicitudCompra) (contracts.Aceptada, error) {
	r, err := m.api().CrearCompraWithResponse(ctx, s)
	return answer(ctx, m.Service, r, err, gestorcompra.CrearCompraResponse.GetJSON202)
}

// Load implements compras.Manager.
func (m Manager) Load(ctx context.Context, id string) (contracts.Compra, error) {
	r, err := m.api().LeerCompraWithResponse(ctx, segment(id))
	return answer(ctx, m.Service, r, err, gestorcompra.LeerCompraResponse.GetJSON200)
}

// ByCodigo implements compras.Manager.
func (m Manager) ByCodigo(ctx context.Context, codigo string) (contracts.CompraDeCodigo, error) {
	r, err := m.api().LeerCodigoWithResponse(ctx, segment(codigo))
	return answer(ctx, m.Service, r, err, gestorcompra.LeerCodigoResponse.GetJSON200)
}

// OfUsuario implements compras.Manager.
func (m Manager) OfUsuario(ctx context.Context, usuario string, limit int, after string, estados ...contracts.Estado) (compras.Page, error) {
	return m.list(ctx, contracts.ComprasFilter{Estados: estados}, gestorcompra.ListarComprasParams{IdUsuario: &usuario, Limite: &limit, Despues: unlessEmpty(after)})
}

// Buscar implements access.Operation.
func (m Manager) Buscar(ctx context.Context, f contracts.ComprasFilter, limit int, after string, count bool) (compras.Page, error) {
	return m.list(ctx, f, gestorcompra.ListarComprasParams{
		IdUsuario: unlessEmpty(f.IDUsuario), Limite: &limit, Despues: unlessEmpty(after), Contar: &count,
		Texto: unlessEmpty(f.Texto), IdProducto: unlessEmpty(f.IDProducto), Domicilio: f.Domicilio, Orden: unlessEmpty(string(f.Criterio)),
		Desde: unlessZero(f.Desde), Hasta: unlessZero(f.Hasta), CambiadaDesde: unlessZero(f.CambiadaDesde),
	})
}

// list returns a page of the purchases that are in the states of f and match params.
func (m Manager) list(ctx context.Context, f contracts.ComprasFilter, params gestorcompra.ListarComprasParams) (compras.Page, error) {
	if len(f.Estados) > 0 { // each state once: a sidecar refuses a long URL
		params.Estado = new(slices.Compact(slices.Sorted(slices.Values(f.Estados))))
	}
	r, err := m.api().ListarComprasWithResponse(ctx, &params)
	page, err := answer(ctx, m.Service, r, err, gestorcompra.ListarComprasResponse.GetJSON200)
	return compras.Page{PaginaDeCompras: page}, err
}

// unlessZero returns an instant as a text, nil for the zero time.
func unlessZero(at time.Time) *string {
	if at.IsZero() {
		return nil
	}
	return new(at.Format(time.RFC3339Nano))
}

// unlessEmpty returns a pointer to text, nil for "".
func unlessEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// Cancelar implements compras.Decisions.
func (m Manager) Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, done bool, err error) {
	r, err := m.api().CancelarCompraWithResponse(ctx, segment(id), contracts.Cancelacion{Motivo: motivo})
	a, err = answer(ctx, m.Service, r, err, func(r gestorcompra.CancelarCompraResponse) *contracts.Aceptada {
		done = r.JSON200 != nil
		return cmp.Or(r.JSON200, r.JSON202)
	})
	return a, done, err
}

// Aprobar implements compras.Decisions.
func (m Manager) Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error) {
	r, err := m.api().DecidirCompraWithResponse(ctx, segment(id), contracts.Aprobacion{Aprobada: &aprobada, Motivo: motivo})
	return answer(ctx, m.Service, r, err, gestorcompra.DecidirCompraResponse.GetJSON200)
}

// Mensajes implements access.Operation.
func (m Manager) Mensajes(ctx context.Context, id string) ([]contracts.MensajeDeSaga, error) {
	r, err := m.api().LeerMensajesWithResponse(ctx, segment(id))
	return answer(ctx, m.Service, r, err, gestorcompra.LeerMensajesResponse.GetJSON200)
}

// Borrar implements access.PersonalData.
func (m Manager) Borrar(ctx context.Context, idUsuario string) (contracts.ParteBorrada, error) {
	r, err := m.api().BorrarDatosDeComprasWithResponse(ctx, segment(idUsuario))
	return answer(ctx, m.Service, r, err, gestorcompra.BorrarDatosDeComprasResponse.GetJSON200)
}

// Resumen implements access.Operation.
func (m Manager) Resumen(ctx context.Context, seconds int) (contracts.Resumen, error) {
	r, err := m.api().LeerResumenWithResponse(ctx, &gestorcompra.LeerResumenParams{Segundos: &seconds})
	return answer(ctx, m.Service, r, err, gestorcompra.LeerResumenResponse.GetJSON200)
}

// Reintentar implements access.Operation.
func (m Manager) Reintentar(ctx context.Context, id string) (contracts.Aceptada, error) {
	r, err := m.api().ReintentarCompraWithResponse(ctx, segment(id))
	return answer(ctx, m.Service, r, err, gestorcompra.ReintentarCompraResponse.GetJSON202)
}

// PorAprobar implements access.Desk.
func (m Manager) PorAprobar(ctx context.Context, limit int, after string) (contracts.PaginaPorAprobar, error) {
	r, err := m.api().ListarPorAprobarWithResponse(ctx, &gestorcompra.ListarPorAprobarParams{Limite: &limit, Despues: unlessEmpty(after)})
	return answer(ctx, m.Service, r, err, gestorcompra.ListarPorAprobarResponse.GetJSON200)
}

// Pendientes implements access.Desk.
func (m Manager) Pendientes(ctx context.Context) (contracts.PendientesDeOperacion, error) {
	r, err := m.api().ContarPendientesWithResponse(ctx)
	return answer(ctx, m.Service, r, err, gestorcompra.ContarPendientesResponse.GetJSON200)
}

// Productos calls admin-productos. It implements access.Productos and access.Precios.
type Productos struct{ *Service }

func (p Productos) api() *adminproductos.ClientWithResponses {
	return &adminproductos.ClientWithResponses{ClientInterface: &adminproductos.Client{Server: p.server(), Client: p}}
}

// List implements access.Productos.
func (p Productos) List(ctx context.Context, search string) ([]contracts.Producto, error) {
	r, err := p.api().ListarProductosWithResponse(ctx, &adminproductos.ListarProductosParams{Buscar: unlessEmpty(search)})
	return answer(ctx, p.Service, r, err, adminproductos.ListarProductosResponse.GetJSON200)
}

// Load implements access.Productos.
func (p Productos) Load(ctx context.Context, id string) (contracts.Producto, error) {
	r, err := p.api().LeerProductoWithResponse(ctx, segment(id))
	return answer(ctx, p.Service, r, err, adminproductos.LeerProductoResponse.GetJSON200)
}

// Reponer implements access.Productos.
func (p Productos) Reponer(ctx context.Context, id string, cantidad int, key string) (contracts.Producto, error) {
	params := adminproductos.ReponerProductoParams{IdempotencyKey: &key}
	r, err := p.api().ReponerProductoWithResponse(ctx, segment(id), &params, contracts.Reposicion{Cantidad: cantidad})
	return answer(ctx, p.Service, r, err, adminproductos.ReponerProductoResponse.GetJSON200)
}

// CambiarPrecio implements access.Precios.
func (p Productos) CambiarPrecio(ctx context.Context, id string, c contracts.CambioDePrecio, key string) (contracts.Producto, error) {
	r, err := p.api().CambiarPrecioWithResponse(ctx, segment(id), &adminproductos.CambiarPrecioParams{IdempotencyKey: &key}, c)
	return answer(ctx, p.Service, r, err, adminproductos.CambiarPrecioResponse.GetJSON200)
}

// Precios implements access.Precios.
func (p Productos) Precios(ctx context.Context, id string, limit int, after string) (contracts.PaginaDePrecios, error) {
	params := adminproductos.ListarPreciosParams{Limite: &limit, Despues: unlessEmpty(after)}
	r, err := p.api().ListarPreciosWithResponse(ctx, segment(id), &params)
	return answer(ctx, p.Service, r, err, adminproductos.ListarPreciosResponse.GetJSON200)
}

// Ordenes calls the service ordenes. It implements access.Ordenes.
type Ordenes struct{ *Service }

func (o Ordenes) api() *ordenes.ClientWithResponses {
	return &ordenes.ClientWithResponses{ClientInterface: &ordenes.Client{Server: o.server(), Client: o}}
}

// Load implements access.Ordenes.
func (o Ordenes) Load(ctx context.Context, id string) (contracts.Orden, error) {
	r, err := o.api().LeerOrdenWithResponse(ctx, segment(id))
	return answer(ctx, o.Service, r, err, ordenes.LeerOrdenResponse.GetJSON200)
}

// Despachar implements access.Ordenes.
func (o Ordenes) Despachar(ctx context.Context, id string) (contracts.Orden, error) {
	r, err := o.api().DespacharOrdenWithResponse(ctx, segment(id))
	return answer(ctx, o.Service, r, err, ordenes.DespacharOrdenResponse.GetJSON200)
}

// List implements access.Ordenes.
func (o Ordenes) List(ctx context.Context, f contracts.OrdenesFilter, limit int, after string) (contracts.PaginaDeOrdenes, error) {
	params := ordenes.ListarOrdenesParams{Estado: &f.Estado, Domicilio: f.Domicilio, Zona: f.Zona, Limite: &limit, Despues: unlessEmpty(after)}
	r, err := o.api().ListarOrdenesWithResponse(ctx, &params)
	return answer(ctx, o.Service, r, err, ordenes.ListarOrdenesResponse.GetJSON200)
}

// Zonas implements access.Ordenes.
func (o Ordenes) Zonas(ctx context.Context) ([]contracts.ZonaDeOrdenes, error) {
	r, err := o.api().ListarZonasWithResponse(ctx)
	return answer(ctx, o.Service, r, err, ordenes.ListarZonasResponse.GetJSON200)
}

// Borrar implements access.PersonalData.
func (o Ordenes) Borrar(ctx context.Context, idUsuario string) (contracts.ParteBorrada, error) {
	r, err := o.api().BorrarDatosDeOrdenesWithResponse(ctx, segment(idUsuario))
	return answer(ctx, o.Service, r, err, ordenes.BorrarDatosDeOrdenesResponse.GetJSON200)
}
