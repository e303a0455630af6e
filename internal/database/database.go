// Package base opens a service's own database and brings its schema up to date.
package database

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

	"entregas/internal/waits"
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

// Open connects to dsn with at most connections connections, on which each wait is bounded by limits. A wait that was cut off
// is trouble (errs.Unavailable).
func Open(ctx context.Context, dsn string, connections int32) (*pgxpool.Pool, error) {
	conf, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("dirección de la base de datos: %w", err)
	}
	conf.MaxConns = connections
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

// AvroSchema is what a program that owns a database does about its schema when it starts.
type AvroSchema string

const (
	// Raise brings the schema up to date and goes on.
	Raise AvroSchema = "apply"
	// RaiseOnly brings it up to date and ends: a job that goes before a roll-out.
	RaiseOnly AvroSchema = "apply-and-exit"
	// Wait leaves it to such a job, and goes on once it is done.
	Wait AvroSchema = "wait"
)

// interval is how often a program with MIGRATIONS=wait looks whether the job is done.
const interval = 2 * time.Second

// Apply does so with the goose files of migrations, as Migrate takes them. proceed is false where the program is to end well.
func (e AvroSchema) Apply(ctx context.Context, pool *pgxpool.Pool, migrations fs.FS) (proceed bool, err error) {
	switch e {
	case Raise, RaiseOnly:
		return e == Raise, Migrate(ctx, pool, migrations)
	case Wait:
		return true, wait(ctx, pool, migrations)
	}
	return false, fmt.Errorf("MIGRATIONS is %q; it may be %s, %s or %s", string(e), Raise, RaiseOnly, Wait)
}

// Migrate applies the goose files in the folder migrations/ of what a service embeds. Replicas that start together take turns.
func Migrate(ctx context.Context, pool *pgxpool.Pool, migrations fs.FS) error {
	return withMigrations(pool, migrations, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// wait returns once nothing of migrations is left to apply. A database that is ahead of them is fine: this program is
// then the older of two that run during a roll-out.
func wait(ctx context.Context, pool *pgxpool.Pool, migrations fs.FS) error {
	return withMigrations(pool, migrations, func(p *goose.Provider) error {
		for {
			absent, err := pending(ctx, pool, p)
			if err == nil && !absent {
				return nil
			}
			slog.InfoContext(ctx, "espera a que la base de datos esté al día", "error", err)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(interval):
			}
		}
	})
}

// pending says whether migrations are to be applied. goose would make its table just to look into it.
func pending(ctx context.Context, pool *pgxpool.Pool, p *goose.Provider) (bool, error) {
	var found bool
	if err := pool.QueryRow(ctx, "select to_regclass('goose_db_version') is not null").Scan(&found); err != nil || !found {
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

func withMigrations(pool *pgxpool.Pool, migrations fs.FS, act func(*goose.Provider) error) error {
	folder, err := fs.Sub(migrations, "migrations")
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
	turn, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(uint64(turnEvery/time.Second), uint64(turnTimeout/turnEvery)))
	if err != nil {
		return fmt.Errorf("migraciones: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, folder, goose.WithSessionLocker(turn))
	if err == nil {
		err = act(provider)
	}
	if err != nil {
		return fmt.Errorf("migraciones: %w", err)
	}
	return nil
}
