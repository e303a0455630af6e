package cliente

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Base is a database that is only read: every session of it refuses to write.
type Base struct{ pool *pgxpool.Pool }

// AbrirBase opens the database at dsn for reading.
func AbrirBase(ctx context.Context, dsn string) (*Base, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("dirección de base de datos: %w", err)
	}
	config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Base{pool}, nil
}

// Cerrar ends its sessions.
func (b *Base) Cerrar() { b.pool.Close() }

// Filas reads rows into structs, by column names.
func Filas[T any](ctx context.Context, b *Base, consulta string, args ...any) ([]T, error) {
	filas, err := b.pool.Query(ctx, consulta, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(filas, pgx.RowToStructByName[T])
}

// Uno reads one value.
func Uno[T any](ctx context.Context, b *Base, consulta string, args ...any) (T, error) {
	var v T
	err := b.pool.QueryRow(ctx, consulta, args...).Scan(&v)
	return v, err
}
