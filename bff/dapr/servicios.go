package dapr

import (
	"cmp"
	"context"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/internal/api/adminproductos"
	"entregas/services/internal/api/gestorcompra"
	"entregas/services/internal/api/monitor"
	"entregas/services/internal/api/ordenes"
)

// Gestor is gestor-compra. It implements compras.Gestor.
type Gestor struct{ *Servicio }

func (g Gestor) api() *gestorcompra.ClientWithResponses {
	return &gestorcompra.ClientWithResponses{ClientInterface: &gestorcompra.Client{Server: g.server(), Client: g}}
}

// Crear implements compras.Gestor.
func (g Gestor) Crear(ctx context.Context, s contracts.SolicitudCompra) (contracts.Aceptada, error) {
	r, err := g.api().CrearCompraWithResponse(ctx, s)
	return answer(ctx, g.Servicio, r, err, gestorcompra.CrearCompraResponse.GetJSON202)
}

// Leer implements compras.Gestor.
func (g Gestor) Leer(ctx context.Context, id string) (contracts.Compra, error) {
	r, err := g.api().LeerCompraWithResponse(ctx, segment(id))
	return answer(ctx, g.Servicio, r, err, gestorcompra.LeerCompraResponse.GetJSON200)
}

// DeUsuario implements compras.Gestor.
func (g Gestor) DeUsuario(ctx context.Context, usuario string, limite int, despues string, estados ...contracts.Estado) (compras.Pagina, error) {
	return g.list(ctx, contracts.FiltroCompras{Estados: estados}, &usuario, limite, despues)
}

// Buscar implements acceso.Operacion.
func (g Gestor) Buscar(ctx context.Context, f contracts.FiltroCompras, limite int, despues string) (compras.Pagina, error) {
	return g.list(ctx, f, unlessEmpty(f.IDUsuario), limite, despues)
}

// list gives a page of the purchases of usuario, nil for everybody's.
func (g Gestor) list(ctx context.Context, f contracts.FiltroCompras, usuario *string, limite int, despues string) (compras.Pagina, error) {
	params := gestorcompra.ListarComprasParams{IdUsuario: usuario, Domicilio: f.Domicilio, Limite: &limite, Despues: unlessEmpty(despues)}
	if len(f.Estados) > 0 { // each once: a sidecar refuses a long address
		params.Estado = new(slices.Compact(slices.Sorted(slices.Values(f.Estados))))
	}
	r, err := g.api().ListarComprasWithResponse(ctx, &params)
	page, err := answer(ctx, g.Servicio, r, err, gestorcompra.ListarComprasResponse.GetJSON200)
	return compras.Pagina{Compras: page.Compras, Siguiente: page.Siguiente}, err
}

func unlessEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// Cancelar implements compras.Decisiones.
func (g Gestor) Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, hecha bool, err error) {
	r, err := g.api().CancelarCompraWithResponse(ctx, segment(id), contracts.Cancelacion{Motivo: motivo})
	a, err = answer(ctx, g.Servicio, r, err, func(r gestorcompra.CancelarCompraResponse) *contracts.Aceptada {
		hecha = r.JSON200 != nil
		return cmp.Or(r.JSON200, r.JSON202)
	})
	return a, hecha, err
}

// Aprobar implements compras.Decisiones.
func (g Gestor) Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error) {
	r, err := g.api().DecidirCompraWithResponse(ctx, segment(id), contracts.Aprobacion{Aprobada: &aprobada, Motivo: motivo})
	return answer(ctx, g.Servicio, r, err, gestorcompra.DecidirCompraResponse.GetJSON200)
}

// Mensajes implements acceso.Operacion.
func (g Gestor) Mensajes(ctx context.Context, id string) ([]contracts.MensajeDeSaga, error) {
	r, err := g.api().LeerMensajesWithResponse(ctx, segment(id))
	return answer(ctx, g.Servicio, r, err, gestorcompra.LeerMensajesResponse.GetJSON200)
}

// Resumen implements acceso.Operacion.
func (g Gestor) Resumen(ctx context.Context, segundos int) (contracts.Resumen, error) {
	r, err := g.api().LeerResumenWithResponse(ctx, &gestorcompra.LeerResumenParams{Segundos: &segundos})
	return answer(ctx, g.Servicio, r, err, gestorcompra.LeerResumenResponse.GetJSON200)
}

// Reintentar implements acceso.Operacion.
func (g Gestor) Reintentar(ctx context.Context, id string) (contracts.Aceptada, error) {
	r, err := g.api().ReintentarCompraWithResponse(ctx, segment(id))
	return answer(ctx, g.Servicio, r, err, gestorcompra.ReintentarCompraResponse.GetJSON202)
}

// Productos is admin-productos. It implements acceso.Productos.
type Productos struct{ *Servicio }

func (p Productos) api() *adminproductos.ClientWithResponses {
	return &adminproductos.ClientWithResponses{ClientInterface: &adminproductos.Client{Server: p.server(), Client: p}}
}

// Listar implements acceso.Productos.
func (p Productos) Listar(ctx context.Context, buscar string) ([]contracts.Producto, error) {
	r, err := p.api().ListarProductosWithResponse(ctx, &adminproductos.ListarProductosParams{Buscar: unlessEmpty(buscar)})
	return answer(ctx, p.Servicio, r, err, adminproductos.ListarProductosResponse.GetJSON200)
}

// Balance implements acceso.Productos.
func (p Productos) Balance(ctx context.Context) ([]contracts.LineaDeBalance, error) {
	r, err := p.api().LeerBalanceWithResponse(ctx)
	return answer(ctx, p.Servicio, r, err, adminproductos.LeerBalanceResponse.GetJSON200)
}

// Leer implements acceso.Productos.
func (p Productos) Leer(ctx context.Context, id string) (contracts.Producto, error) {
	r, err := p.api().LeerProductoWithResponse(ctx, segment(id))
	return answer(ctx, p.Servicio, r, err, adminproductos.LeerProductoResponse.GetJSON200)
}

// Reponer implements acceso.Productos.
func (p Productos) Reponer(ctx context.Context, id string, cantidad int, clave string) (contracts.Producto, error) {
	params := adminproductos.ReponerProductoParams{IdempotencyKey: &clave}
	r, err := p.api().ReponerProductoWithResponse(ctx, segment(id), &params, contracts.Reposicion{Cantidad: cantidad})
	return answer(ctx, p.Servicio, r, err, adminproductos.ReponerProductoResponse.GetJSON200)
}

// Ordenes is the service ordenes. It implements acceso.Ordenes.
type Ordenes struct{ *Servicio }

func (o Ordenes) api() *ordenes.ClientWithResponses {
	return &ordenes.ClientWithResponses{ClientInterface: &ordenes.Client{Server: o.server(), Client: o}}
}

// Leer implements acceso.Ordenes.
func (o Ordenes) Leer(ctx context.Context, id string) (contracts.Orden, error) {
	r, err := o.api().LeerOrdenWithResponse(ctx, segment(id))
	return answer(ctx, o.Servicio, r, err, ordenes.LeerOrdenResponse.GetJSON200)
}

// Despachar implements acceso.Ordenes.
func (o Ordenes) Despachar(ctx context.Context, id string) (contracts.Orden, error) {
	r, err := o.api().DespacharOrdenWithResponse(ctx, segment(id))
	return answer(ctx, o.Servicio, r, err, ordenes.DespacharOrdenResponse.GetJSON200)
}

// Monitor is monitor. It implements acceso.Monitor.
type Monitor struct{ *Servicio }

func (m Monitor) api() *monitor.ClientWithResponses {
	return &monitor.ClientWithResponses{ClientInterface: &monitor.Client{Server: m.server(), Client: m}}
}

// Colas implements acceso.Monitor.
func (m Monitor) Colas(ctx context.Context, minutos int) (contracts.Colas, error) {
	c := contracts.Colas{Muestras: []contracts.MuestraDeColas{}, Ahora: []contracts.ColaAhora{}}
	r, err := m.api().LeerColasWithResponse(ctx)
	i, err := answer(ctx, m.Servicio, r, err, monitor.LeerColasResponse.GetJSON200)
	if err != nil {
		return c, err
	}
	c.Broker = i.Broker
	for n, en := range i.Instantes {
		if i.En.Sub(en) > time.Duration(minutos)*time.Minute {
			continue
		}
		muestra := contracts.MuestraDeColas{En: en, Pendientes: map[string]int64{}}
		for _, cola := range i.Colas {
			if n < len(cola.Serie.Pendientes) && cola.Serie.Pendientes[n] != nil {
				muestra.Pendientes[cola.Tema] += *cola.Serie.Pendientes[n]
			}
		}
		c.Muestras = append(c.Muestras, muestra)
	}
	for _, cola := range i.Colas {
		if cola.Pendientes != nil && cola.Consumidores != nil {
			c.Ahora = append(c.Ahora, contracts.ColaAhora{
				Tema: cola.Tema, Suscripcion: cola.Suscripcion, Pendientes: *cola.Pendientes, Replicas: *cola.Consumidores, Edad: cola.EdadSegundos,
				Entrada: cola.EntradaPorSegundo, Salida: cola.SalidaPorSegundo, ParaVaciar: cola.SegundosParaVaciar,
			})
		}
	}
	return c, nil
}

// Muertos implements acceso.Monitor.
func (m Monitor) Muertos(ctx context.Context) ([]contracts.MensajeMuerto, error) {
	r, err := m.api().ListarMensajesMuertosWithResponse(ctx)
	lista, err := answer(ctx, m.Servicio, r, err, monitor.ListarMensajesMuertosResponse.GetJSON200)
	if lista == nil {
		lista = []contracts.MensajeMuerto{}
	}
	return lista, err
}

// ReponerMuerto implements acceso.Monitor.
func (m Monitor) ReponerMuerto(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	r, err := m.api().ReponerMensajeWithResponse(ctx, segment(id))
	return answer(ctx, m.Servicio, r, err, monitor.ReponerMensajeResponse.GetJSON202)
}

// SetAside implements acceso.Monitor.
func (m Monitor) SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	r, err := m.api().ApartarMensajeWithResponse(ctx, segment(id))
	return answer(ctx, m.Servicio, r, err, monitor.ApartarMensajeResponse.GetJSON202)
}
