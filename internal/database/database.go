// Package database opens a service's own database and brings its schema up to date.
package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"entregas/internal/telemetry"
	"entregas/internal/waits"
)

// limits are the timeouts that PostgreSQL applies to the wait for a lock, to a statement and to an idle transaction.
// Without them each could wait for ever (docs/adr/bounded-waits.md).
//
// An address that names one of them, as in ?lock_timeout=2s, overrides it.
//
//settings:wait
var limits = map[string]time.Duration{
	"lock_timeout": waits.Lock,
	// A statement that runs for more than 10 s has a wrong plan or waits for a broken disk.
	"statement_timeout": 10 * time.Second,
	// A program that hangs in the middle of a transaction holds its locks for at most 10 s.
	"idle_in_transaction_session_timeout": 10 * time.Second,
}

// Open connects to dsn; connections is the largest number of connections. On each of them the limits bound every wait. When a
// limit ends a wait, the code of the error is errs.Unavailable.
func Open(ctx context.Context, dsn string, connections int32) (*pgxpool.Pool, error) {
	conf, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("address of the database: %w", err)
	}
	conf.MaxConns = connections
	conf.ConnConfig.Tracer = telemetry.Queries()
	for name, value := range limits {
		if _, set := conf.ConnConfig.RuntimeParams[name]; !set {
			conf.ConnConfig.RuntimeParams[name] = fmt.Sprintf("%dms", value.Milliseconds())
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := otelpgx.RecordStats(pool); err != nil {
		return nil, fmt.Errorf("metrics of the connections: %w", err)
	}
	return pool, nil
}

// MigrationMode says how the service that owns a database brings its schema up to date when it starts.
type MigrationMode string

const (
	// ApplyAndRun applies the migrations, and the program goes on.
	ApplyAndRun MigrationMode = "apply"
	// ApplyAndExit applies the migrations, and the program ends. It is for a job that runs before a rollout.
	ApplyAndExit MigrationMode = "apply-and-exit"
	// WaitForJob waits until a program with ApplyAndExit has applied the migrations, and the program goes on.
	WaitForJob MigrationMode = "wait"
)

// waitEvery is how often a program with MIGRATIONS=wait checks whether the job is done.
const waitEvery = 2 * time.Second

// Apply applies the goose files of migrations, or waits for them, as the mode says. proceed is false when the program must end
// without error. An unknown mode is an error.
func (e MigrationMode) Apply(ctx context.Context, pool *pgxpool.Pool, migrations fs.FS) (proceed bool, err error) {
	switch e {
	case ApplyAndRun, ApplyAndExit:
		return e == ApplyAndRun, Migrate(ctx, pool, migrations)
	case WaitForJob:
		return true, wait(ctx, pool, migrations)
	}
	return false, fmt.Errorf("MIGRATIONS is %q; it may be %s, %s or %s", string(e), ApplyAndRun, ApplyAndExit, WaitForJob)
}

// Migrate applies the goose files in folder migrations/ of the file system that a service embeds. Replicas that start
// together take turns.
func Migrate(ctx context.Context, pool *pgxpool.Pool, migrations fs.FS) error {
	return withMigrations(pool, migrations, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// wait returns when no migration is left to apply. A database that is ahead of migrations is fine: during a rollout the old
// version of a program still runs beside the new one.
func wait(ctx context.Context, pool *pgxpool.Pool, migrations fs.FS) error {
	return withMigrations(pool, migrations, func(p *goose.Provider) error {
		for {
			left, err := pending(ctx, pool, p)
			if err == nil && !left {
				return nil
			}
			slog.InfoContext(ctx, "waiting for the migrations of the database", "error", err)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(waitEvery):
			}
		}
	})
}

// pending tells whether migrations are left to apply. It first checks whether the table of goose exists, because goose would
// create the table only to read it.
func pending(ctx context.Context, pool *pgxpool.Pool, p *goose.Provider) (bool, error) {
	var found bool
	if err := pool.QueryRow(ctx, "select to_regclass('goose_db_version') is not null").Scan(&found); err != nil || !found {
		return true, err
	}
	return p.HasPending(ctx)
}

// migrationLock is how long a migration waits for the lock of a table. During that wait every other statement on the table
// waits behind the migration.
//
//settings:wait
const migrationLock = "5s"

// turnEvery is how often a replica that starts checks whether another one still migrates the database.
const turnEvery = time.Second

// turnTimeout is how long a replica that starts waits for another one that migrates the database.
const turnTimeout = 5 * time.Minute

// duplicateTable is the code of PostgreSQL for a table or an index that exists already.
const duplicateTable = "42P07"

func withMigrations(pool *pgxpool.Pool, migrations fs.FS, act func(*goose.Provider) error) error {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	// A migration may run long, but it may not wait long for a table: every statement on that table waits behind it. A
	// migration that does not get its lock fails, and the program starts again.
	conf := pool.Config().ConnConfig
	conf.RuntimeParams["statement_timeout"] = "0"
	conf.RuntimeParams["lock_timeout"] = migrationLock
	db := stdlib.OpenDB(*conf)
	defer func() { _ = db.Close() }()
	turn, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(uint64(turnEvery/time.Second), uint64(turnTimeout/turnEvery)))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, folder, goose.WithSessionLocker(turn))
	if err == nil {
		err = act(provider)
	}
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == duplicateTable {
		return fmt.Errorf("migrations: the database has the tables of an older checkout, which cannot be taken over (for a local instance: make reset): %w", err)
	}
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}
