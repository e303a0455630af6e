// Package postgres reads the stock and the prices in the database of admin-productos. Its role may do nothing else
// (docs/adr/one-owner-migrates-a-database.md).
package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/services/consolidador/inventario"
)

// Existencias reads the stock and the prices.
type Existencias struct{ pool *pgxpool.Pool }

// New returns an Existencias that reads through pool.
func New(pool *pgxpool.Pool) *Existencias { return &Existencias{pool} }

// Of returns what the warehouse has of each product in lineas that exists: the units on the shelf now, and the price at the instant at. It
// shares the lock of the prices: a change that is not committed yet holds from after the read, so that each copy of a command gets the
// same prices (docs/adr/prices-are-those-of-the-acceptance.md).
func (e *Existencias) Of(ctx context.Context, lineas []contracts.Linea, at time.Time) (inventario.Shelf, error) {
	const (
		turn  = `select lock_prices(false)`
		query = `
select p.id, p.cantidad, coalesce(v.precio, 0), coalesce(v.moneda, '') from producto p
left join lateral (select precio, moneda from precio where id_producto = p.id and desde <= $2 order by desde desc limit 1) v on true
where p.id = any($1)`
	)
	ids := make([]string, len(lineas))
	for i, l := range lineas {
		ids[i] = l.IDProducto
	}
	s := inventario.Shelf{Existencias: make(map[string]int, len(lineas)), Precios: make(map[string]contracts.Precio, len(lineas))}
	var batch pgx.Batch // one transaction
	batch.Queue(turn)
	batch.Queue(query, ids, at).Query(func(rows pgx.Rows) error {
		var id string
		var cantidad int
		var p contracts.Precio
		_, err := pgx.ForEachRow(rows, []any{&id, &cantidad, &p.Precio, &p.Moneda}, func() error {
			s.Existencias[id] = cantidad
			if p.Precio > 0 {
				s.Precios[id] = p
			}
			return nil
		})
		return err
	})
	return s, e.pool.SendBatch(ctx, &batch).Close()
}
