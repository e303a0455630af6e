// Package postgres reads the stock in admin-productos' database, with a role that can do nothing else
// (docs/adr/one-owner-migrates-a-database.md).
package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
)

// Existencias is the stock.
type Existencias struct{ pool *pgxpool.Pool }

// Nuevo reads through pool.
func Nuevo(pool *pgxpool.Pool) *Existencias { return &Existencias{pool} }

// De gives the units on the shelf of each product in lineas that exists, all as of one instant.
func (e *Existencias) De(ctx context.Context, lineas []contracts.Linea) (map[string]int, error) {
	const consulta = `select id, cantidad from producto where id = any($1)`
	ids := make([]string, len(lineas))
	for i, l := range lineas {
		ids[i] = l.IDProducto
	}
	filas, err := e.pool.Query(ctx, consulta, ids)
	if err != nil {
		return nil, err
	}
	existencias := make(map[string]int, len(lineas))
	var id string
	var cantidad int
	_, err = pgx.ForEachRow(filas, []any{&id, &cantidad}, func() error { existencias[id] = cantidad; return nil })
	return existencias, err
}
