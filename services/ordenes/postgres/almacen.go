// Package postgres is the orders' store: a method for each thing that may be done, one transaction each.
// What may be done is decided by package ordenes.
package postgres

import (
	"embed"

	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/services/internal/inbox"
)

// Migraciones has the goose files of database ordenes.
//
//go:embed migraciones/*.sql
var Migraciones embed.FS

// Almacen is the store.
type Almacen struct {
	pool        *pgxpool.Pool
	maxAbiertas int
}

// Nuevo keeps the orders in the database of pool. A customer may have maxAbiertas of them open.
func Nuevo(pool *pgxpool.Pool, maxAbiertas int) *Almacen { return &Almacen{pool, maxAbiertas} }

// Respuesta is the stored answer to a command.
type Respuesta = inbox.Respuesta[contracts.DatosEventoOrden]
