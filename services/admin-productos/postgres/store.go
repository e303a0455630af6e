// Package postgres stores the products and reservations of the warehouse. Each method is one transaction. Package productos
// has the rules.
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

// Store reads and changes database productos.
type Store struct {
	pool   *pgxpool.Pool
	locked *lockedRows
}

// New returns a Store on the migrated database of pool.
func New(pool *pgxpool.Pool) *Store {
	return &Store{pool, &lockedRows{pool: pool, seen: map[string]time.Time{}}}
}

// Reply is the stored reply to a command.
type Reply = inbox.Reply[contracts.DatosEventoProductos]

// Saved returns the stored reply to c; found is false when there is none.
func (s *Store) Saved(ctx context.Context, c inbox.Command) (r Reply, found bool, err error) {
	return inbox.Saved[contracts.DatosEventoProductos](ctx, s.pool, c)
}

func replyTo(c inbox.Command, r productos.Reply) Reply {
	return Reply{Tipo: r.Tipo, Data: contracts.DatosEventoProductos{
		IDCompra: c.IDCompra, RespondeA: string(c.Tipo), Faltantes: r.Faltantes, Motivo: r.Motivo,
	}}
}
