package postgres_test

import (
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"entregas/internal/database"
	"entregas/internal/databasetest"
	"entregas/services/gestor-compra/postgres"
)

// later is a migration after a release that adds an index to a table in use. `concurrently` does not block the writers. It cannot run in a
// transaction, and an index whose build was interrupted stays and is invalid: so the migration drops it first.
const later = `-- +goose NO TRANSACTION

-- +goose Up
drop index concurrently if exists compra_added;
create index concurrently compra_added on compra (id_orden) where id_orden <> '';
`

// A migration that adds an index to a table in use waits for the running transactions that write, and blocks no new ones
// (docs/adr/bounded-waits.md). After an interruption the next start completes the migration.
func TestAnIndexIsBuiltWhilePurchasesAreWritten(t *testing.T) {
	databasetest.Role(t, "consolidador")
	pool, ctx := databasetest.New(t, postgres.Migrations), t.Context()
	migrations := fstest.MapFS{"migrations/99999_added.sql": &fstest.MapFile{Data: []byte(later)}}
	files, err := fs.Glob(postgres.Migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(postgres.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		migrations[name] = &fstest.MapFile{Data: text}
	}
	const write = `update compra set actualizada_en = now()`
	writer, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Exec(ctx, write); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() { migrated <- database.Migrate(ctx, pool, migrations) }()
	for waits := false; !waits; time.Sleep(10 * time.Millisecond) {
		const waiting = `select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`
		if err := pool.QueryRow(ctx, waiting).Scan(&waits); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-migrated:
			t.Fatalf("the migration did not wait: %v", err)
		default:
		}
	}
	if _, err := databasetest.Impatient(t, pool).Exec(ctx, write); err != nil {
		t.Errorf("another purchase while the index waits to be built: %v", err)
	}
	if _, err := pool.Exec(ctx, `select pg_cancel_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err == nil {
		t.Error("the migration was interrupted and returned no error")
	}
	if err := writer.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := database.Migrate(ctx, pool, migrations); err != nil {
		t.Fatal(err)
	}
	var valid int
	const built = `select count(*) from pg_index where indisvalid and indexrelid::regclass::text = 'compra_added'`
	if err := pool.QueryRow(ctx, built).Scan(&valid); err != nil || valid != 1 {
		t.Errorf("%d valid indexes, want 1: %v", valid, err)
	}
}

// Failure prevented: a database of an older checkout counts as migrated, and the service fails at its first query.
func TestADatabaseOfAnOlderCheckoutIsRefused(t *testing.T) {
	databasetest.RefusesOlder(t, postgres.Migrations, "compra", 7)
}
