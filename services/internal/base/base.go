// Package base opens a service's own database and brings its schema up to date.
package base

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Abrir connects to dsn with at most conexiones connections.
func Abrir(ctx context.Context, dsn string, conexiones int32) (*pgxpool.Pool, error) {
	conf, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("dirección de la base de datos: %w", err)
	}
	conf.MaxConns = conexiones
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, fmt.Errorf("abrir la base de datos: %w", err)
	}
	return pool, nil
}

// Migrar applies the goose files of migraciones. Replicas that start together take turns.
func Migrar(ctx context.Context, pool *pgxpool.Pool, migraciones fs.FS) error {
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }() // the pool stays open
	turno, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("migraciones: %w", err)
	}
	proveedor, err := goose.NewProvider(goose.DialectPostgres, db, migraciones, goose.WithSessionLocker(turno))
	if err != nil {
		return fmt.Errorf("migraciones: %w", err)
	}
	if _, err := proveedor.Up(ctx); err != nil {
		return fmt.Errorf("migraciones: %w", err)
	}
	return nil
}
