package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/audit"
	"entregas/internal/errs"
	"entregas/services/admin-productos/productos"
)

// CambiarPrecio makes p the price of a product from now on, as an act of the person of ctx, and returns the product. The present price
// again changes nothing. A repeated key returns the same product and changes nothing. Errors: NotFound; OtherBody when the key was used for another change.
func (s *Store) CambiarPrecio(ctx context.Context, id string, p contracts.CambioDePrecio, key string) (productos.Producto, error) {
	var producto productos.Producto
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		producto, err = cambiarPrecio(ctx, tx, id, p, key)
		return err
	})
	return producto, err
}

func cambiarPrecio(ctx context.Context, tx pgx.Tx, id string, p contracts.CambioDePrecio, key string) (productos.Producto, error) {
	const (
		turn     = `select lock_prices(true)` // of two changes, and of two requests with one key, the second waits
		repeated = `select id_producto, precio, moneda, motivo from precio where idempotency_key = $1`
		// The clock of the server may go back. A later price must still be the newer one.
		register = `
insert into precio (id_producto, precio, moneda, motivo, idempotency_key, sujeto, rol, desde)
select $1, $2, $3, $4, $5, $6, $7, greatest(clock_timestamp(), max(desde) + interval '1 microsecond') from precio where id_producto = $1`
	)
	if _, err := tx.Exec(ctx, turn); err != nil {
		return productos.Producto{}, err
	}
	var before contracts.CambioDePrecio
	var idBefore string
	err := tx.QueryRow(ctx, repeated, key).Scan(&idBefore, &before.Precio, &before.Moneda, &before.Motivo)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return productos.Producto{}, err
	}
	if err == nil && (idBefore != id || before != p) {
		return productos.Producto{}, errs.New(errs.OtherBody, "La clave de idempotencia ya se usó para otro cambio de precio.")
	}
	producto, readErr := loadOne(ctx, tx, one, id)
	act := contracts.Acto{Tipo: contracts.ActoPrecio, Objeto: id, Motivo: p.Motivo}
	if now := contracts.ImporteDeActo("ahora", p.Precio, p.Moneda); producto.Precio > 0 {
		act = act.Telling(contracts.TextoPrecio, contracts.ImporteDeActo("antes", producto.Precio, producto.Moneda), now)
	} else {
		act = act.Telling(contracts.TextoPrimerPrecio, now)
	}
	done := err == nil || producto.Precio == p.Precio && producto.Moneda == p.Moneda
	producto.Precio, producto.Moneda = p.Precio, p.Moneda
	if readErr != nil || done {
		return producto, readErr
	}
	who := actor.Of(ctx)
	if _, err := tx.Exec(ctx, register, id, p.Precio, p.Moneda, p.Motivo, key, who.Sujeto, who.Rol); err != nil {
		return producto, err
	}
	return producto, audit.Record(ctx, tx, act)
}

// Precios returns the prices of a product, newest first: at most limit, older than the entry with the number olderThan; 0 begins at
// the newest. next is the number of the last one, 0 where there are no more. Error: NotFound.
func (s *Store) Precios(ctx context.Context, id string, olderThan int64, limit int) (list []contracts.Precio, next int64, err error) {
	const page = `
select id, precio, moneda, desde, sujeto, rol, motivo from precio
where id_producto = $1 and ($2 = 0 or desde < (select desde from precio where id = $2 and id_producto = $1)) order by desde desc limit $3`
	if _, err := s.Producto(ctx, id); err != nil {
		return nil, 0, err
	}
	rows, err := s.pool.Query(ctx, page, id, olderThan, limit+1)
	if err != nil {
		return nil, 0, err
	}
	type row struct {
		ID int64
		contracts.Precio
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if len(found) > limit {
		found, next = found[:limit], found[limit-1].ID
	}
	list = make([]contracts.Precio, len(found))
	for i, r := range found {
		list[i] = r.Precio
	}
	return list, next, err
}
