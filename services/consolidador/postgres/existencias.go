// Package postgres reads the stock in the database of admin-productos. Its role may do nothing else
// (docs/adr/one-owner-migrates-a-database.md).
package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
)

// Existencias reads the stock.
type Existencias struct{ pool *pgxpool.Pool }

// New returns an Existencias that reads through pool.
func New(pool *pgxpool.Pool) *Existencias { return &Existencias{pool} }

// Of returns the units on the shelf of each product in lineas that exists, all at one instant.
func (e *Existencias) Of(ctx context.Context, lineas []contracts.Linea) (map[string]int, error) {
	const query = `select id, cantidad from producto where id = any($1)`
	ids := make([]string, len(lineas))
	for i, l := range lineas {
		ids[i] = l.IDProducto
	}
	rows, err := e.pool.Query(ctx, query, ids)
	if err != nil {
		return nil, err
	}
	existencias := make(map[string]int, len(lineas))
	var id string
	var cantidad int
	_, err = pgx.ForEachRow(rows, []any{&id, &cantidad}, func() error { existencias[id] = cantidad; return nil })
	return existencias, err
}
