package client

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Database is a database to read from. Its sessions refuse to write.
type Database struct{ pool *pgxpool.Pool }

// OpenDatabase opens the database at dsn.
func OpenDatabase(ctx context.Context, dsn string) (*Database, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("address of a database: %w", err)
	}
	config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Database{pool}, nil
}

// Close closes the sessions.
func (b *Database) Close() { b.pool.Close() }

// Rows returns the rows of a query as structs. A column fills the field with the same name.
func Rows[T any](ctx context.Context, b *Database, query string, args ...any) ([]T, error) {
	rows, err := b.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

// One returns the result of a query that has one row with one value.
func One[T any](ctx context.Context, b *Database, query string, args ...any) (T, error) {
	var v T
	err := b.pool.QueryRow(ctx, query, args...).Scan(&v)
	return v, err
}
