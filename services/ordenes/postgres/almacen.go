// Package postgres is the orders' store: a method for each thing that may be done, one transaction each.
// What may be done is decided by package ordenes.
package postgres

import (
	"context"
	"embed"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/services/internal/inbox"
)

//go:embed migraciones/*.sql
var archivos embed.FS

// Migraciones are the goose files of database ordenes.
func Migraciones() fs.FS {
	dir, err := fs.Sub(archivos, "migraciones")
	if err != nil {
		return archivos // the name above is a constant: it is there
	}
	return dir
}

// Almacen is the store.
type Almacen struct {
	pool        *pgxpool.Pool
	maxAbiertas int
}

// Nuevo keeps the orders in the database of pool. A customer may have maxAbiertas of them open.
func Nuevo(pool *pgxpool.Pool, maxAbiertas int) *Almacen { return &Almacen{pool, maxAbiertas} }

// Respuesta is the stored answer to a command.
type Respuesta = inbox.Respuesta[contracts.DatosEventoOrden]

// Purgar forgets answers and counts that are older than anything which can still come.
func (a *Almacen) Purgar(ctx context.Context) error {
	if _, err := inbox.Purgar(ctx, a.pool); err != nil {
		return err
	}
	_, err := inbox.NuevosIntentos(a.pool).Purgar(ctx)
	return err
}
