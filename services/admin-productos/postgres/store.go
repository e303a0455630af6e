// Package postgres is the warehouse's store: a method for each thing that may be done, one transaction each.
// What may be done is decided by package productos.
package postgres

import (
	"context"
	"embed"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/internal/inbox"
	"entregas/services/admin-productos/productos"
)

// Migrations has the goose files of database productos.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Store is the store.
type Store struct {
	pool   *pgxpool.Pool
	locked *lockedRows
}

// New keeps the warehouse in the database of pool.
func New(pool *pgxpool.Pool) *Store {
	return &Store{pool, &lockedRows{pool: pool, seen: map[string]time.Time{}}}
}

// Reply is the stored answer to a command.
type Reply = inbox.Reply[contracts.DatosEventoProductos]

// Saved gives the stored answer of c; hay is false where there is none.
func (s *Store) Saved(ctx context.Context, c inbox.Command) (r Reply, found bool, err error) {
	return inbox.Saved[contracts.DatosEventoProductos](ctx, s.pool, c)
}

func replyTo(c inbox.Command, r productos.Reply) Reply {
	return Reply{Tipo: r.Tipo, Data: contracts.DatosEventoProductos{
		IDCompra: c.IDCompra, RespondeA: string(c.Tipo), Faltantes: r.Faltantes, Motivo: r.Motivo,
	}}
}
