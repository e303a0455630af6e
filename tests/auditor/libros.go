package auditor

import (
	"context"
	"fmt"
	"maps"
)

// lineas are units by product.
type lineas map[string]int

type compra struct {
	ID, Estado, IDOrden string
	Productos           []struct {
		IDProducto string `json:"id_producto"`
		Cantidad   int    `json:"cantidad"`
	}
	Numero, Entradas, Ultima, SinRespuesta int
}

type orden struct {
	ID, IDCompra, Estado string
	Lineas               []struct {
		IDProducto string `json:"id_producto"`
		Cantidad   int    `json:"cantidad"`
	}
}

type movimiento struct {
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

// libros is all that the databases say, by purchase.
type libros struct {
	compras     map[string]compra
	ordenes     map[string][]orden
	reservas    map[string]lineas
	movimientos map[string]map[string]lineas // by purchase, then by kind
	productos   []producto
	porProducto map[string]lineas // by product, then by kind
}

func (a *Auditor) leer(ctx context.Context) (*libros, error) {
	l := &libros{compras: map[string]compra{}, ordenes: map[string][]orden{}, reservas: map[string]lineas{},
		movimientos: map[string]map[string]lineas{}, porProducto: map[string]lineas{}}
	compras, err := filas[compra](ctx, a.gestor, `select id, estado, id_orden, productos, numero,
		(select count(*) from historia h where h.id_compra = c.id), (select coalesce(max(numero), 0) from historia h where h.id_compra = c.id),
		(select count(*) from paso p where p.id_compra = c.id and respuesta is null and abandonada_en is null) from compra c`)
	if err != nil {
		return nil, err
	}
	for _, c := range compras {
		l.compras[c.ID] = c
	}
	ordenes, err := filas[orden](ctx, a.ordenes, `select id::text, id_compra, estado, productos from orden`)
	if err != nil {
		return nil, err
	}
	for _, o := range ordenes {
		l.ordenes[o.IDCompra] = append(l.ordenes[o.IDCompra], o)
	}
	return l, a.leerAlmacen(ctx, l)
}

// leerAlmacen reads the stock, what is reserved and the ledger at one instant.
func (a *Auditor) leerAlmacen(ctx context.Context, l *libros) error {
	tx, err := a.productos.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, `set transaction isolation level repeatable read`); err != nil {
		return err
	}
	if err := cada(ctx, tx, `select id, cantidad from producto`, func(p producto) { l.productos = append(l.productos, p) }); err != nil {
		return err
	}
	sumar := func(m map[string]lineas, k, donde string, n int) {
		if m[k] == nil {
			m[k] = lineas{}
		}
		m[k][donde] += n
	}
	if err := cada(ctx, tx, `select id_compra, id_producto, cantidad from reserva`, func(r reserva) {
		sumar(l.reservas, r.IDCompra, r.IDProducto, r.Cantidad)
		sumar(l.porProducto, r.IDProducto, "reservado", r.Cantidad)
	}); err != nil {
		return err
	}
	return cada(ctx, tx, `select id_producto, tipo, coalesce(id_compra, ''), cantidad from movimiento`, func(m movimiento) {
		sumar(l.porProducto, m.IDProducto, m.Tipo, m.Cantidad)
		if m.IDCompra != "" {
			if l.movimientos[m.IDCompra] == nil {
				l.movimientos[m.IDCompra] = map[string]lineas{}
			}
			sumar(l.movimientos[m.IDCompra], m.Tipo, m.IDProducto, m.Cantidad)
		}
	})
}

// unaCompra holds a purchase to what its state promises.
func (l *libros) unaCompra(i *Informe, id string, c compra) {
	quiere := lineas{}
	for _, p := range c.Productos {
		quiere[p.IDProducto] += p.Cantidad
	}
	ordenes, reservado, mov := l.ordenes[id], l.reservas[id], l.movimientos[id]
	salido := negativas(mov["DESPACHO"])
	if c.Entradas != c.Ultima || c.Ultima != c.Numero {
		i.falta(id, "su historia tiene %d entradas, cuenta hasta %d y la compra dice %d", c.Entradas, c.Ultima, c.Numero)
	}
	if c.SinRespuesta > 0 {
		i.falta(id, "%d preguntas sin respuesta", c.SinRespuesta)
	}
	if len(ordenes) > 1 {
		i.falta(id, "tiene %d órdenes", len(ordenes))
	}
	conOrden := func(estado string) {
		if len(ordenes) != 1 || ordenes[0].Estado != estado || ordenes[0].ID != c.IDOrden {
			i.falta(id, "está %s y sus órdenes son %v", c.Estado, ordenes)
			return
		}
		suyas := lineas{}
		for _, p := range ordenes[0].Lineas {
			suyas[p.IDProducto] += p.Cantidad
		}
		if !maps.Equal(suyas, quiere) {
			i.falta(id, "pidió %v y su orden es de %v", quiere, suyas)
		}
	}
	switch c.Estado {
	case "CONFIRMADA":
		conOrden("CREADA")
		if !maps.Equal(reservado, quiere) || len(salido) > 0 || len(mov["LIBERACION"]) > 0 || !maps.Equal(negativas(mov["RESERVA"]), quiere) {
			i.falta(id, "está CONFIRMADA, pidió %v, tiene reservado %v y sus movimientos son %v", quiere, reservado, mov)
		}
	case "DESPACHADA":
		conOrden("DESPACHADA")
		if len(reservado) > 0 || !maps.Equal(salido, quiere) || len(mov["LIBERACION"]) > 0 {
			i.falta(id, "está DESPACHADA, pidió %v, tiene reservado %v y sus movimientos son %v", quiere, reservado, mov)
		}
	case "RECHAZADA", "CANCELADA":
		if len(reservado) > 0 || len(salido) > 0 || !maps.Equal(negativas(mov["RESERVA"]), noNula(mov["LIBERACION"])) {
			i.falta(id, "está %s, tiene reservado %v y sus movimientos son %v", c.Estado, reservado, mov)
		}
		if len(ordenes) == 1 && ordenes[0].Estado != "CANCELADA" {
			i.falta(id, "está %s y su orden %s", c.Estado, ordenes[0].Estado)
		}
	default:
		i.falta(id, "está %s: no es un final", c.Estado)
	}
}

// huerfanas finds what belongs to a purchase that nobody knows.
func (l *libros) huerfanas(i *Informe) {
	for id := range l.reservas {
		if _, hay := l.compras[id]; !hay {
			i.falta(id, "hay una reserva y no hay tal compra")
		}
	}
	for id := range l.ordenes {
		if _, hay := l.compras[id]; !hay {
			i.falta(id, "hay una orden y no hay tal compra")
		}
	}
}

// existencias: what came in is on the shelf, reserved, or gone; and the shelf is what the ledger says.
func (l *libros) existencias(i *Informe) {
	for _, p := range l.productos {
		m := l.porProducto[p.ID]
		entro := m["INICIAL"] + m["REPOSICION"]
		if esta := p.Cantidad + m["reservado"] - m["DESPACHO"]; entro != esta {
			i.falta("", "producto %s: entraron %d y hay %d", p.ID, entro, esta)
		}
		if anaquel := entro + m["RESERVA"] + m["LIBERACION"]; anaquel != p.Cantidad || p.Cantidad < 0 {
			i.falta("", "producto %s: quedan %d y el libro dice %d", p.ID, p.Cantidad, anaquel)
		}
	}
	if len(l.productos) == 0 {
		i.falta("", "no hay productos")
	}
}

func negativas(m lineas) lineas {
	r := lineas{}
	for k, v := range m {
		r[k] = -v
	}
	return r
}

func noNula(m lineas) lineas {
	if m == nil {
		return lineas{}
	}
	return m
}

func (l lineas) String() string { return fmt.Sprint(map[string]int(l)) }
