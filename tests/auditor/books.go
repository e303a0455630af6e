package auditor

import (
	"context"
	"fmt"
	"maps"
	"reflect"
)

// lineas is a number of units for each product.
type lineas map[string]int

type compra struct {
	ID, Estado, IDOrden string
	Productos           []struct {
		IDProducto string `json:"id_producto"`
		Cantidad   int    `json:"cantidad"`
	}
	Numero, Entries, Last, NoReply int
	amounts
}

// amounts are what a purchase, or its order, costs.
type amounts struct {
	Moneda  string
	Total   int64
	Precios []struct {
		IDProducto string `json:"id_producto"`
		Precio     int64  `json:"precio"`
	}
}

type orden struct {
	ID, IDCompra, Estado string
	Lineas               []struct {
		IDProducto string `json:"id_producto"`
		Cantidad   int    `json:"cantidad"`
	}
	amounts
}

type movement struct {
	IDProducto, Tipo, IDCompra string
	Cantidad                   int
}

type reserva struct {
	IDCompra, IDProducto string
	Cantidad             int
}

type producto struct {
	ID       string
	Cantidad int
}

// books is the content of the databases, by purchase.
type books struct {
	compras    map[string]compra
	ordenes    map[string][]orden
	reservas   map[string]lineas
	movements  map[string]map[string]lineas // by purchase, then by kind of movement
	productos  []producto
	byProducto map[string]lineas // by product, then by kind of movement
}

// read reads the three databases.
func (a *Auditor) read(ctx context.Context) (*books, error) {
	l := &books{compras: map[string]compra{}, ordenes: map[string][]orden{}, reservas: map[string]lineas{},
		movements: map[string]map[string]lineas{}, byProducto: map[string]lineas{}}
	compras, err := rows[compra](ctx, a.manager, `select id, estado, id_orden, productos, numero,
		(select count(*) from historia h where h.id_compra = c.id), (select coalesce(max(numero), 0) from historia h where h.id_compra = c.id),
		(select count(*) from paso p where p.id_compra = c.id and respuesta is null and abandonada_en is null),
		moneda, total, precios from compra c`)
	if err != nil {
		return nil, err
	}
	for _, c := range compras {
		l.compras[c.ID] = c
	}
	ordenes, err := rows[orden](ctx, a.ordenes, `select id::text, id_compra, estado, productos, moneda, total, precios from orden`)
	if err != nil {
		return nil, err
	}
	for _, o := range ordenes {
		l.ordenes[o.IDCompra] = append(l.ordenes[o.IDCompra], o)
	}
	return l, a.readStore(ctx, l)
}

// readStore reads the stock, the reservations and the ledger in one snapshot.
func (a *Auditor) readStore(ctx context.Context, l *books) error {
	tx, err := a.productos.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, `set transaction isolation level repeatable read`); err != nil {
		return err
	}
	if err := each(ctx, tx, `select id, cantidad from producto`, func(p producto) { l.productos = append(l.productos, p) }); err != nil {
		return err
	}
	add := func(m map[string]lineas, k, where string, n int) {
		if m[k] == nil {
			m[k] = lineas{}
		}
		m[k][where] += n
	}
	if err := each(ctx, tx, `select id_compra, id_producto, cantidad from reserva`, func(r reserva) {
		add(l.reservas, r.IDCompra, r.IDProducto, r.Cantidad)
		add(l.byProducto, r.IDProducto, "reservado", r.Cantidad)
	}); err != nil {
		return err
	}
	return each(ctx, tx, `select id_producto, tipo, coalesce(id_compra, ''), cantidad from movimiento`, func(m movement) {
		add(l.byProducto, m.IDProducto, m.Tipo, m.Cantidad)
		if m.IDCompra != "" {
			if l.movements[m.IDCompra] == nil {
				l.movements[m.IDCompra] = map[string]lineas{}
			}
			add(l.movements[m.IDCompra], m.Tipo, m.IDProducto, m.Cantidad)
		}
	})
}

// oneCompra checks that the orders, reservations and movements of a purchase are those that its state requires.
func (l *books) oneCompra(i *Report, id string, c compra) {
	wants := lineas{}
	for _, p := range c.Productos {
		wants[p.IDProducto] += p.Cantidad
	}
	ordenes, reserved, moves := l.ordenes[id], l.reservas[id], l.movements[id]
	wentOut := negated(moves["DESPACHO"])
	if c.Entries != c.Last || c.Last != c.Numero {
		i.add(id, "its history has %d entries, the last number is %d, and the purchase says %d", c.Entries, c.Last, c.Numero)
	}
	if c.NoReply > 0 {
		i.add(id, "%d questions have no reply", c.NoReply)
	}
	if len(ordenes) > 1 {
		i.add(id, "it has %d orders", len(ordenes))
	}
	c.prices(i, wants)
	withOrden := func(estado string) {
		if len(ordenes) != 1 || ordenes[0].Estado != estado || ordenes[0].ID != c.IDOrden {
			i.add(id, "it is %s, and its orders are %v", c.Estado, ordenes)
			return
		}
		own := lineas{}
		for _, p := range ordenes[0].Lineas {
			own[p.IDProducto] += p.Cantidad
		}
		if !maps.Equal(own, wants) {
			i.add(id, "it asked for %v, and its order is for %v", wants, own)
		}
		if !reflect.DeepEqual(ordenes[0].amounts, c.amounts) {
			i.add(id, "it costs %+v, and its order %+v", c.amounts, ordenes[0].amounts)
		}
	}
	switch c.Estado {
	case "CONFIRMADA":
		withOrden("CREADA")
		if !maps.Equal(reserved, wants) || len(wentOut) > 0 || len(moves["LIBERACION"]) > 0 || !maps.Equal(negated(moves["RESERVA"]), wants) {
			i.add(id, "it is CONFIRMADA, it asked for %v, reserved are %v, and its movements are %v", wants, reserved, moves)
		}
	case "DESPACHADA":
		withOrden("DESPACHADA")
		if len(reserved) > 0 || !maps.Equal(wentOut, wants) || len(moves["LIBERACION"]) > 0 {
			i.add(id, "it is DESPACHADA, it asked for %v, reserved are %v, and its movements are %v", wants, reserved, moves)
		}
	case "RECHAZADA", "CANCELADA":
		if len(reserved) > 0 || len(wentOut) > 0 || !maps.Equal(negated(moves["RESERVA"]), nonZero(moves["LIBERACION"])) {
			i.add(id, "it is %s, reserved are %v, and its movements are %v", c.Estado, reserved, moves)
		}
		if len(ordenes) == 1 && ordenes[0].Estado != "CANCELADA" {
			i.add(id, "it is %s, and its order is %s", c.Estado, ordenes[0].Estado)
		}
	default:
		i.add(id, "it is %s: that is no final state", c.Estado)
	}
}

// prices checks that the total of a purchase is the sum of its lines, which are wants. A purchase without a price has none of the fields.
func (c compra) prices(i *Report, wants lineas) {
	var sum int64
	priced := map[string]bool{}
	for _, p := range c.Precios {
		sum += p.Precio * int64(wants[p.IDProducto])
		priced[p.IDProducto] = p.Precio > 0
	}
	if sum != c.Total || (c.Moneda == "") != (sum == 0) || len(c.Precios) > 0 && len(priced) != len(wants) {
		i.add(c.ID, "it asked for %v, and costs %+v", wants, c.amounts)
	}
}

// orphans finds reservations and orders of purchases that do not exist.
func (l *books) orphans(i *Report) {
	for id := range l.reservas {
		if _, found := l.compras[id]; !found {
			i.add(id, "there is a reservation, and no such purchase")
		}
	}
	for id := range l.ordenes {
		if _, found := l.compras[id]; !found {
			i.add(id, "there is an order, and no such purchase")
		}
	}
}

// existencias checks each product: every unit that came in is on the shelf, reserved or dispatched, and the ledger has the same
// number of units on the shelf.
func (l *books) existencias(i *Report) {
	for _, p := range l.productos {
		m := l.byProducto[p.ID]
		cameIn := m["INICIAL"] + m["REPOSICION"] + m["CORRECCION"]
		if present := p.Cantidad + m["reservado"] - m["DESPACHO"]; cameIn != present {
			i.add("", "product %s: %d units came in, and there are %d", p.ID, cameIn, present)
		}
		if shelf := cameIn + m["RESERVA"] + m["LIBERACION"]; shelf != p.Cantidad || p.Cantidad < 0 {
			i.add("", "product %s: %d are on the shelf, and the ledger says %d", p.ID, p.Cantidad, shelf)
		}
	}
	if len(l.productos) == 0 {
		i.add("", "there are no products")
	}
}

func negated(m lineas) lineas {
	r := lineas{}
	for k, v := range m {
		r[k] = -v
	}
	return r
}

func nonZero(m lineas) lineas {
	if m == nil {
		return lineas{}
	}
	return m
}

func (l lineas) String() string { return fmt.Sprint(map[string]int(l)) }
