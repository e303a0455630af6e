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

// A migration that builds an index on a table in use waits for the purchases that are being written, and keeps no other waiting
// (docs/adr/bounded-waits.md). One that was cut off is made whole by the next start.
func TestAnIndexIsBuiltWhilePurchasesAreWritten(t *testing.T) {
	databasetest.Role(t, "consolidador")
	before := fstest.MapFS{}
	const added = "migrations/00006_fair_admission.sql"
	files, err := fs.Glob(postgres.Migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if name >= added {
			continue
		}
		text, err := fs.ReadFile(postgres.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		before[name] = &fstest.MapFile{Data: text}
	}
	pool, ctx := databasetest.New(t, before), t.Context()
	const write = `update compra set actualizada_en = now()`
	writer, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Exec(ctx, write); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() { migrated <- database.Migrate(ctx, pool, postgres.Migrations) }()
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
		t.Error("the migration was cut off and says nothing")
	}
	if err := writer.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := database.Migrate(ctx, pool, postgres.Migrations); err != nil {
		t.Fatal(err)
	}
	var valid int
	const built = `select count(*) from pg_index where indisvalid and indexrelid::regclass::text in ('compra_arrendada', 'compra_abierta')`
	if err := pool.QueryRow(ctx, built).Scan(&valid); err != nil || valid != 2 {
		t.Errorf("%d valid indexes, %v", valid, err)
	}
}
