// Package postgres stores the orders. Each method is one transaction. Package ordenes has the rules.
//
// The outbox is ours, since a library would bring its own tables and its own publisher for a handful of events: a row is
// written by the transaction of a dispatch, and published twice (docs/adr/told-twice.md).
package postgres

import (
	"embed"

	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/internal/inbox"
)

// Migrations has the goose files of database ordenes.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Store reads and changes database ordenes.
type Store struct {
	pool    *pgxpool.Pool
	maxOpen int
}

// New returns a Store on the migrated database of pool. A customer may have at most maxOpen open orders.
func New(pool *pgxpool.Pool, maxOpen int) *Store { return &Store{pool, maxOpen} }

// Reply is the stored reply to a command.
type Reply = inbox.Reply[contracts.DatosEventoOrden]
