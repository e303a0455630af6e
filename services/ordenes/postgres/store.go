// Package postgres is the orders' store: a method for each thing that may be done, one transaction each.
// What may be done is decided by package ordenes.
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

// Store is the store.
type Store struct {
	pool    *pgxpool.Pool
	maxOpen int
}

// New keeps the orders in the database of pool. A customer may have maxOpen of them open.
func New(pool *pgxpool.Pool, maxOpen int) *Store { return &Store{pool, maxOpen} }

// Reply is the stored answer to a command.
type Reply = inbox.Reply[contracts.DatosEventoOrden]
