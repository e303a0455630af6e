package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/services/admin-productos/productos"
	"entregas/services/internal/inbox"
)

// Reservar takes all lines off the shelf for the purchase, or none. NoDisponible where somebody else holds a product's row.
func (a *Almacen) Reservar(ctx context.Context, c inbox.Comando, lineas []contracts.Linea) (r Respuesta, err error) {
	err = a.locked.unless(ctx, identificadores(lineas), func() error {
		r, err = inbox.Atender(ctx, a.pool, c, func(tx pgx.Tx) (Respuesta, error) {
			existencias, terminada, err := paraReservar(ctx, tx, c.IDCompra, lineas)
			if err != nil {
				return Respuesta{}, err
			}
			r := productos.Reservar(lineas, existencias, terminada)
			if r.Tipo == contracts.ProductosReservados {
				if err := reservar(ctx, tx, c.IDCompra, lineas); err != nil {
					return Respuesta{}, err
				}
			}
			return respuestaA(c, r), nil
		})
		return err
	})
	return r, err
}

// paraReservar reads what the decision needs, in one round trip, and locks the products until tx ends: in id order, so that two
// purchases of the same products wait for each other and never both (docs/adr/stock-is-conserved.md). The lock is the one that
// an update takes; a stronger one would also wait for the foreign keys' checks, which come in any order.
func paraReservar(ctx context.Context, tx pgx.Tx, idCompra string, lineas []contracts.Linea) (existencias map[string]int, terminada bool, err error) {
	const (
		terminadaAntes = `select exists (select from inbox where id_compra = $1 and tipo in ('LiberarReserva', 'DespacharReserva'))`
		productosDe    = `select id, cantidad from producto where id = any($1) order by id for no key update`
	)
	existencias = map[string]int{}
	var lote pgx.Batch
	lote.Queue(terminadaAntes, idCompra).QueryRow(func(fila pgx.Row) error { return fila.Scan(&terminada) })
	lote.Queue(productosDe, identificadores(lineas)).Query(func(filas pgx.Rows) error {
		var id string
		var cantidad int
		_, err := pgx.ForEachRow(filas, []any{&id, &cantidad}, func() error { existencias[id] = cantidad; return nil })
		return err
	})
	return existencias, terminada, tx.SendBatch(ctx, &lote).Close()
}

func reservar(ctx context.Context, tx pgx.Tx, idCompra string, lineas []contracts.Linea) error {
	const tomar = `
		with linea as (select * from unnest($2::text[], $3::int[]) as l (id_producto, cantidad)),
		tomada as (
			update producto p set cantidad = p.cantidad - l.cantidad from linea l where p.id = l.id_producto
			returning p.id as id_producto, l.cantidad, p.cantidad as quedan),
		reservada as (
			insert into reserva (id_compra, id_producto, cantidad) select $1, id_producto, cantidad from tomada)
		insert into movimiento (id_producto, tipo, cantidad, id_compra, quedan)
		select id_producto, 'RESERVA', -cantidad, $1, quedan from tomada`
	cantidades := make([]int, len(lineas))
	for i, l := range lineas {
		cantidades[i] = l.Cantidad
	}
	_, err := tx.Exec(ctx, tomar, idCompra, identificadores(lineas), cantidades)
	return err
}

const (
	bloquear = `select from producto where id in (select id_producto from reserva where id_compra = $1) order by id for no key update`
	devolver = `
		with liberada as (delete from reserva where id_compra = $1 returning id_producto, cantidad),
		devuelta as (
			update producto p set cantidad = p.cantidad + l.cantidad from liberada l where p.id = l.id_producto
			returning p.id as id_producto, l.cantidad, p.cantidad as quedan)
		insert into movimiento (id_producto, tipo, cantidad, id_compra, quedan)
		select id_producto, 'LIBERACION', cantidad, $1, quedan from devuelta`
)

// Liberar puts what the purchase has reserved back on the shelf; lineas are its products. NoDisponible as for Reservar.
func (a *Almacen) Liberar(ctx context.Context, c inbox.Comando, lineas []contracts.Linea) (r Respuesta, err error) {
	const despachadaAntes = `select exists (select from movimiento where id_compra = $1 and tipo = 'DESPACHO')`
	err = a.locked.unless(ctx, identificadores(lineas), func() error {
		r, err = inbox.Atender(ctx, a.pool, c, func(tx pgx.Tx) (Respuesta, error) {
			var despachada bool
			var lote pgx.Batch
			lote.Queue(despachadaAntes, c.IDCompra).QueryRow(func(fila pgx.Row) error { return fila.Scan(&despachada) })
			lote.Queue(bloquear, c.IDCompra)
			lote.Queue(devolver, c.IDCompra) // a dispatched purchase has nothing reserved, so this does nothing to it
			if err := tx.SendBatch(ctx, &lote).Close(); err != nil {
				return Respuesta{}, err
			}
			return respuestaA(c, productos.Liberar(despachada)), nil
		})
		return err
	})
	return r, err
}

// Despachar lets what the purchase has reserved leave the warehouse. The shelf stays as it is; the ledger
// looks at the products' rows all the same. NoDisponible as for Reservar.
func (a *Almacen) Despachar(ctx context.Context, c inbox.Comando, lineas []contracts.Linea) (r Respuesta, err error) {
	const sacar = `
		with despachada as (delete from reserva where id_compra = $1 returning id_producto, cantidad)
		insert into movimiento (id_producto, tipo, cantidad, id_compra)
		select id_producto, 'DESPACHO', -cantidad, $1 from despachada`
	err = a.locked.unless(ctx, identificadores(lineas), func() error {
		r, err = inbox.Atender(ctx, a.pool, c, func(tx pgx.Tx) (Respuesta, error) {
			hecho, err := tx.Exec(ctx, sacar, c.IDCompra)
			if err != nil {
				return Respuesta{}, err
			}
			return respuestaA(c, productos.Despachar(int(hecho.RowsAffected()))), nil
		})
		return err
	})
	return r, err
}

func identificadores(lineas []contracts.Linea) []string {
	ids := make([]string, len(lineas))
	for i, l := range lineas {
		ids[i] = l.IDProducto
	}
	return ids
}
