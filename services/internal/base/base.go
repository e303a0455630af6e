// Package base opens a service's own database and brings its schema up to date.
package base

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"entregas/services/internal/waits"
)

// limits end in PostgreSQL what would otherwise wait for ever (docs/adr/bounded-waits.md): the wait for a lock, a statement, and a
// transaction in which nothing happens.
//
// An address that names one of them, as in ?lock_timeout=2s, decides it itself.
//
//settings:wait
var limits = map[string]time.Duration{
	"lock_timeout": waits.Lock,
	// What runs longer has lost its plan, or its disk.
	"statement_timeout": 10 * time.Second,
	// A program that is frozen in the middle of a transaction holds its locks no longer than this.
	"idle_in_transaction_session_timeout": 10 * time.Second,
}

// Abrir connects to dsn with at most conexiones connections, on which each wait is bounded by limits. A wait that was cut off
// is trouble (errores.NoDisponible).
func Abrir(ctx context.Context, dsn string, conexiones int32) (*pgxpool.Pool, error) {
	conf, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("dirección de la base de datos: %w", err)
	}
	conf.MaxConns = conexiones
	for name, value := range limits {
		if _, set := conf.ConnConfig.RuntimeParams[name]; !set {
			conf.ConnConfig.RuntimeParams[name] = fmt.Sprintf("%dms", value.Milliseconds())
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, fmt.Errorf("abrir la base de datos: %w", err)
	}
	return pool, nil
}

// Esquema is what a program that owns a database does about its schema when it starts.
type Esquema string

const (
	// Alzar brings the schema up to date and goes on.
	Alzar Esquema = "apply"
	// Solo brings it up to date and ends: a job that goes before a roll-out.
	Solo Esquema = "apply-and-exit"
	// Esperar leaves it to such a job, and goes on once it is done.
	Esperar Esquema = "wait"
)

// vuelta is how often a program with MIGRATIONS=wait looks whether the job is done.
const vuelta = 2 * time.Second

// Poner does so with the goose files of migraciones, as Migrar takes them. sigue is false where the program is to end well.
func (e Esquema) Poner(ctx context.Context, pool *pgxpool.Pool, migraciones fs.FS) (sigue bool, err error) {
	switch e {
	case Alzar, Solo:
		return e == Alzar, Migrar(ctx, pool, migraciones)
	case Esperar:
		return true, esperar(ctx, pool, migraciones)
	}
	return false, fmt.Errorf("MIGRATIONS is %q; it may be %s, %s or %s", string(e), Alzar, Solo, Esperar)
}

// Migrar applies the goose files in the folder migraciones/ of what a service embeds. Replicas that start together take turns.
func Migrar(ctx context.Context, pool *pgxpool.Pool, migraciones fs.FS) error {
	return conMigraciones(pool, migraciones, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// esperar returns once nothing of migraciones is left to apply. A database that is ahead of them is fine: this program is
// then the older of two that run during a roll-out.
func esperar(ctx context.Context, pool *pgxpool.Pool, migraciones fs.FS) error {
	return conMigraciones(pool, migraciones, func(p *goose.Provider) error {
		for {
			falta, err := pendiente(ctx, pool, p)
			if err == nil && !falta {
				return nil
			}
			slog.InfoContext(ctx, "espera a que la base de datos esté al día", "error", err)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(vuelta):
			}
		}
	})
}

// pendiente says whether migrations are to be applied. goose would make its table just to look into it.
func pendiente(ctx context.Context, pool *pgxpool.Pool, p *goose.Provider) (bool, error) {
	var hay bool
	if err := pool.QueryRow(ctx, "select to_regclass('goose_db_version') is not null").Scan(&hay); err != nil || !hay {
		return true, err
	}
	return p.HasPending(ctx)
}

// migrationLock is how long a migration waits for the lock of a table, while all who want that table wait behind it.
//
//settings:wait
const migrationLock = "5s"

// turnEvery is how often a program that starts looks whether another one still migrates its database.
const turnEvery = time.Second

// turnTimeout is how long a program that starts waits for another one that migrates its database.
const turnTimeout = 5 * time.Minute

func conMigraciones(pool *pgxpool.Pool, migraciones fs.FS, hacer func(*goose.Provider) error) error {
	carpeta, err := fs.Sub(migraciones, "migraciones")
	if err != nil {
		return fmt.Errorf("migraciones: %w", err)
	}
	// A migration may take its time, but not the time of others: while it waits for a table, all who want that table wait
	// behind it. One that does not get it soon fails, and the program starts again.
	conf := pool.Config().ConnConfig
	conf.RuntimeParams["statement_timeout"] = "0"
	conf.RuntimeParams["lock_timeout"] = migrationLock
	db := stdlib.OpenDB(*conf)
	defer func() { _ = db.Close() }()
	turno, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(uint64(turnEvery/time.Second), uint64(turnTimeout/turnEvery)))
	if err != nil {
		return fmt.Errorf("migraciones: %w", err)
	}
	proveedor, err := goose.NewProvider(goose.DialectPostgres, db, carpeta, goose.WithSessionLocker(turno))
	if err == nil {
		err = hacer(proveedor)
	}
	if err != nil {
		return fmt.Errorf("migraciones: %w", err)
	}
	return nil
}
