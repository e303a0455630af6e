package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/inbox"
	"entregas/services/admin-productos/productos"
)

// Reservar takes the units of all lines off the shelf for the purchase, or none. It returns Unavailable when another
// transaction has locked the row of a product.
func (s *Store) Reservar(ctx context.Context, c inbox.Command, lineas []contracts.Linea) (r Reply, err error) {
	err = s.locked.unless(ctx, identifiers(lineas), func() error {
		r, err = inbox.Handle(ctx, s.pool, c, func(tx pgx.Tx) (Reply, error) {
			existencias, finished, err := loadForReserva(ctx, tx, c.IDCompra, lineas)
			if err != nil {
				return Reply{}, err
			}
			r := productos.Reservar(lineas, existencias, finished)
			if r.Tipo == contracts.ProductosReservados {
				if err := reservar(ctx, tx, c.IDCompra, lineas); err != nil {
					return Reply{}, err
				}
			}
			return replyTo(c, r), nil
		})
		return err
	})
	return r, err
}

// loadForReserva reads the input of productos.Reservar in one round trip, and locks the products until tx ends. It locks them
// in the order of their ids, so that purchases of the same products cannot deadlock (docs/adr/stock-is-conserved.md). The lock
// is that of an update: a stronger one would also wait for the checks of foreign keys, which come in any order.
func loadForReserva(ctx context.Context, tx pgx.Tx, idCompra string, lineas []contracts.Linea) (existencias map[string]int, finished bool, err error) {
	const (
		finishedBefore = `select exists (select from inbox where id_compra = $1 and tipo in ('LiberarReserva', 'DespacharReserva'))`
		productosOf    = `select id, cantidad from producto where id = any($1) order by id for no key update`
	)
	existencias = map[string]int{}
	var batch pgx.Batch
	batch.Queue(finishedBefore, idCompra).QueryRow(func(row pgx.Row) error { return row.Scan(&finished) })
	batch.Queue(productosOf, identifiers(lineas)).Query(func(rows pgx.Rows) error {
		var id string
		var cantidad int
		_, err := pgx.ForEachRow(rows, []any{&id, &cantidad}, func() error { existencias[id] = cantidad; return nil })
		return err
	})
	return existencias, finished, tx.SendBatch(ctx, &batch).Close()
}

func reservar(ctx context.Context, tx pgx.Tx, idCompra string, lineas []contracts.Linea) error {
	const take = `
		with linea as (select * from unnest($2::text[], $3::int[]) as l (id_producto, cantidad)),
		taken as (
			update producto p set cantidad = p.cantidad - l.cantidad from linea l where p.id = l.id_producto
			returning p.id as id_producto, l.cantidad, p.cantidad as quedan),
		reservada as (
			insert into reserva (id_compra, id_producto, cantidad) select $1, id_producto, cantidad from taken)
		insert into movimiento (id_producto, tipo, cantidad, id_compra, quedan)
		select id_producto, 'RESERVA', -cantidad, $1, quedan from taken`
	cantidades := make([]int, len(lineas))
	for i, l := range lineas {
		cantidades[i] = l.Cantidad
	}
	_, err := tx.Exec(ctx, take, idCompra, identifiers(lineas), cantidades)
	return err
}

const (
	lockRows = `select from producto where id in (select id_producto from reserva where id_compra = $1) order by id for no key update`
	putBack  = `
		with liberada as (delete from reserva where id_compra = $1 returning id_producto, cantidad),
		returned as (
			update producto p set cantidad = p.cantidad + l.cantidad from liberada l where p.id = l.id_producto
			returning p.id as id_producto, l.cantidad, p.cantidad as quedan)
		insert into movimiento (id_producto, tipo, cantidad, id_compra, quedan)
		select id_producto, 'LIBERACION', cantidad, $1, quedan from returned`
)

// Liberar puts the reserved units of the purchase back on the shelf; lineas are its products. Unavailable as for Reservar.
func (s *Store) Liberar(ctx context.Context, c inbox.Command, lineas []contracts.Linea) (r Reply, err error) {
	const despachadaBefore = `select exists (select from movimiento where id_compra = $1 and tipo = 'DESPACHO')`
	err = s.locked.unless(ctx, identifiers(lineas), func() error {
		r, err = inbox.Handle(ctx, s.pool, c, func(tx pgx.Tx) (Reply, error) {
			var despachada bool
			var batch pgx.Batch
			batch.Queue(despachadaBefore, c.IDCompra).QueryRow(func(row pgx.Row) error { return row.Scan(&despachada) })
			batch.Queue(lockRows, c.IDCompra)
			batch.Queue(putBack, c.IDCompra) // a dispatched purchase has no reserved units
			if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
				return Reply{}, err
			}
			return replyTo(c, productos.Liberar(despachada)), nil
		})
		return err
	})
	return r, err
}

// Despachar removes the reserved units of the purchase from the warehouse. The shelf does not change, but the foreign keys of
// the ledger touch the rows of the products. Unavailable as for Reservar.
func (s *Store) Despachar(ctx context.Context, c inbox.Command, lineas []contracts.Linea) (r Reply, err error) {
	const takeOut = `
		with despachada as (delete from reserva where id_compra = $1 returning id_producto, cantidad)
		insert into movimiento (id_producto, tipo, cantidad, id_compra)
		select id_producto, 'DESPACHO', -cantidad, $1 from despachada`
	err = s.locked.unless(ctx, identifiers(lineas), func() error {
		r, err = inbox.Handle(ctx, s.pool, c, func(tx pgx.Tx) (Reply, error) {
			result, err := tx.Exec(ctx, takeOut, c.IDCompra)
			if err != nil {
				return Reply{}, err
			}
			return replyTo(c, productos.Despachar(int(result.RowsAffected()))), nil
		})
		return err
	})
	return r, err
}

func identifiers(lineas []contracts.Linea) []string {
	ids := make([]string, len(lineas))
	for i, l := range lineas {
		ids[i] = l.IDProducto
	}
	return ids
}
