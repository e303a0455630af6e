// Package postgres is the warehouse's store: a method for each thing that may be done, one transaction each.
// What may be done is decided by package productos.
package postgres

import (
	"context"
	"embed"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/services/admin-productos/productos"
	"entregas/services/internal/inbox"
)

// Migraciones has the goose files of database productos.
//
//go:embed migraciones/*.sql
var Migraciones embed.FS

// Almacen is the store.
type Almacen struct {
	pool   *pgxpool.Pool
	locked *lockedRows
}

// Nuevo keeps the warehouse in the database of pool.
func Nuevo(pool *pgxpool.Pool) *Almacen {
	return &Almacen{pool, &lockedRows{pool: pool, seen: map[string]time.Time{}}}
}

// Respuesta is the stored answer to a command.
type Respuesta = inbox.Respuesta[contracts.DatosEventoProductos]

// Guardada gives the stored answer of c; hay is false where there is none.
func (a *Almacen) Guardada(ctx context.Context, c inbox.Comando) (r Respuesta, hay bool, err error) {
	return inbox.Guardada[contracts.DatosEventoProductos](ctx, a.pool, c)
}

func respuestaA(c inbox.Comando, r productos.Respuesta) Respuesta {
	return Respuesta{Tipo: r.Tipo, Data: contracts.DatosEventoProductos{
		IDCompra: c.IDCompra, RespondeA: string(c.Tipo), Faltantes: r.Faltantes, Motivo: r.Motivo,
	}}
}
