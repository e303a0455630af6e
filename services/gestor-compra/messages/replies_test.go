package messages_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/services/gestor-compra/postgrestest"
)

// A reply with an invalid field is a dead letter with the reason, and the saga still waits. A producer in any language can
// send such a reply, because the schema allows it.
func TestAReplyWithAFieldThatCannotBe(t *testing.T) {
	p := newGate(t)
	missing := func(f contracts.Faltante) func(*fields) {
		return func(c *fields) { c.faltantes = []contracts.Faltante{f} }
	}
	costs := func(total int64, prices ...int64) func(*fields) { // of a purchase of two units of product 1 and one of product 2
		return func(c *fields) {
			c.Moneda, c.Total = "COP", total
			for n, p := range prices {
				c.Precios = append(c.Precios, contracts.PrecioFijado{IDProducto: []string{"1", "2"}[n], Precio: p})
			}
		}
	}
	const long = contracts.MaxMotivo + 1
	for _, c := range []struct {
		name          string
		command, kind contracts.MessageType
		change        func(*fields)
		reason        string
	}{
		{"an order without an id", contracts.CrearOrden, contracts.OrdenCreada, func(c *fields) { c.orden = "" }, "id_orden: falta"},
		{"an order that is none", contracts.CrearOrden, contracts.OrdenCreada, func(c *fields) { c.orden = "A-17" }, "id_orden: debe ser un UUID"},
		{"an order in capitals", contracts.CrearOrden, contracts.OrdenCreada, func(c *fields) { c.orden = strings.ToUpper(oneOrden) }, "id_orden"},
		{"order and reason changed places", contracts.CrearOrden, contracts.OrdenCreada, func(c *fields) { c.orden, c.motivo = c.motivo, c.orden }, "id_orden"},
		{"an order that was refused, with one", contracts.CrearOrden, contracts.OrdenRechazada, func(c *fields) { c.orden = oneOrden }, "id_orden: no va"},
		{"a long reason", contracts.CrearOrden, contracts.OrdenRechazada, func(c *fields) { c.motivo = strings.Repeat("x", long) }, "motivo"},
		{"a reason that nobody can read", contracts.CrearOrden, contracts.OrdenRechazada, func(c *fields) { c.motivo = "a\x00" }, "motivo"},
		{"a dispatched order without an id", contracts.CancelarOrden, contracts.OrdenDespachada, func(c *fields) { c.orden = "" }, "id_orden"},
		{"a cancelled order that is none", contracts.CancelarOrden, contracts.OrdenCancelada, func(c *fields) { c.orden = "o1" }, "id_orden"},
		{"valid, with something missing", contracts.ValidarInventario, contracts.InventarioValidado, missing(contracts.Faltante{IDProducto: "1", Solicitada: 2}), "faltantes: no va"},
		{"not enough, and nothing missing", contracts.ValidarInventario, contracts.InventarioInsuficiente, func(c *fields) { c.faltantes = nil }, "faltantes: falta"},
		{"not enough, and there is enough", contracts.ValidarInventario, contracts.InventarioInsuficiente, missing(contracts.Faltante{IDProducto: "1", Solicitada: 2, Disponible: 3}), "disponible"},
		{"not enough of no product", contracts.ValidarInventario, contracts.InventarioInsuficiente, missing(contracts.Faltante{Solicitada: 2}), "id_producto"},
		{"not enough of a product, less than none asked", contracts.ReservarProducto, contracts.ReservaRechazada, missing(contracts.Faltante{IDProducto: "1", Solicitada: -2, Disponible: -3}), "solicitada"},
		{"a total that is not the sum", contracts.ValidarInventario, contracts.InventarioValidado, costs(18, 7, 5), "total: debe ser la suma"},
		{"a total that wraps around", contracts.ValidarInventario, contracts.InventarioValidado, costs(-1, contracts.MaxPrecio, contracts.MaxPrecio), "total"},
		{"a price of nothing", contracts.ValidarInventario, contracts.InventarioValidado, costs(14, 7, 0), "precios[1].precio"},
		{"the prices of other lines", contracts.ValidarInventario, contracts.InventarioValidado, costs(7, 7), "precios"},
		{"a currency that there is not", contracts.ValidarInventario, contracts.InventarioValidado, func(c *fields) { costs(19, 7, 5)(c); c.Moneda = "XXX" }, "moneda"},
		{"not enough, and it costs something", contracts.ValidarInventario, contracts.InventarioInsuficiente, costs(19, 7, 5), "total: no va"},
		{"too much, and it costs something", contracts.ValidarInventario, contracts.TotalExcedido, costs(19, 7, 5), "total: no va"},
		{"reserved, with something missing", contracts.ReservarProducto, contracts.ProductosReservados, missing(contracts.Faltante{IDProducto: "1", Solicitada: 2}), "faltantes: no va"},
		{"released, with a long reason", contracts.LiberarReserva, contracts.ReservaLiberada, func(c *fields) { c.motivo = strings.Repeat("x", long) }, "motivo"},
		{"of no purchase", contracts.CrearOrden, contracts.OrdenCreada, func(c *fields) { c.idCompra = "" }, "id_compra"},
		{"of a purchase that is none", contracts.ReservarProducto, contracts.ProductosReservados, func(c *fields) { c.idCompra = "A-17" }, "id_compra"},
		{"purchase and question changed places", contracts.ReservarProducto, contracts.ProductosReservados, func(c *fields) { c.idCompra, c.repliesTo = c.repliesTo, c.idCompra }, "no responde a"},
		{"to no question", contracts.ReservarProducto, contracts.ProductosReservados, func(c *fields) { c.repliesTo = strings.Repeat("x", 100_000) }, "no responde a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := p.Compra(t, contracts.EstadoIniciada)
			p.pose(t, s.ID, c.command)
			respondWith(t, p, c.kind, s.ID, c.command, c.change, c.reason)
			if step, err := p.LoadStep(t.Context(), s.ID, c.command); err != nil || step.Reply != nil {
				t.Fatalf("the saga has an answer: %+v %v", step, err)
			}
			respond(t, p, c.kind, s.ID, c.command, "") // the saga still waits: a valid reply counts
			if step, err := p.LoadStep(t.Context(), s.ID, c.command); err != nil || step.Reply == nil {
				t.Fatalf("a good reply does not count: %+v %v", step, err)
			}
		})
	}
}

// The fields of the event of a dispatch, and of the commands of a customer, are checked in the same way.
func TestNobodyAskedAndAFieldCannotBe(t *testing.T) {
	p := newGate(t)
	s := p.Compra(t, contracts.EstadoConfirmada)
	respondWith(t, p, contracts.OrdenDespachada, s.ID, "", func(c *fields) { c.orden = "A-17" }, "id_orden")
	respondWith(t, p, contracts.OrdenDespachada, s.ID, "", func(c *fields) { c.idCompra = "A-17" }, "id_compra")
	if n := postgrestest.One[int](t, p.Store, `select count(*) from tramite where id_compra = $1`, s.ID); n != 0 {
		t.Errorf("it is dispatched: %d", n)
	}
	type data = contracts.DatosComandoGestorCompra
	lines := []contracts.Linea{{IDProducto: "1", Cantidad: 1}}
	customer := uuid.NewString()
	deliver(t, p, contracts.ComandosGestorCompra, contracts.CrearCompra, data{IDCompra: customer, IDUsuario: uuid.Must(uuid.NewV7()).String(), Productos: lines}, "versión 7")
	deliver(t, p, contracts.ComandosGestorCompra, contracts.CrearCompra, data{IDCompra: uuid.Must(uuid.NewV7()).String(), IDUsuario: customer, Productos: lines}, "")
	deliver(t, p, contracts.ComandosGestorCompra, contracts.CrearCompra, data{IDCompra: uuid.NewString(), IDUsuario: "ana", Productos: lines, Motivo: strings.Repeat("x", 501)}, "motivo")
	deliver(t, p, contracts.ComandosGestorCompra, contracts.CancelarCompra, data{IDCompra: s.ID, IDUsuario: s.IDUsuario, Productos: make([]contracts.Linea, 101)}, "productos")
}
