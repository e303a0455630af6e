package client

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Database is a database that is only read: every session of it refuses to write.
type Database struct{ pool *pgxpool.Pool }

// OpenDatabase opens the database at dsn for reading.
func OpenDatabase(ctx context.Context, dsn string) (*Database, error) {
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
	return &Database{pool}, nil
}

// Close ends its sessions.
func (b *Database) Close() { b.pool.Close() }

// Rows reads rows into structs, by column names.
func Rows[T any](ctx context.Context, b *Database, query string, args ...any) ([]T, error) {
	rows, err := b.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

// One reads one value.
func One[T any](ctx context.Context, b *Database, query string, args ...any) (T, error) {
	var v T
	err := b.pool.QueryRow(ctx, query, args...).Scan(&v)
	return v, err
}
