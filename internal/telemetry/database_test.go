package telemetry_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"entregas/internal/database"
	"entregas/internal/databasetest"
	"entregas/internal/telemetrytest"
)

// Statements below a span of ours have spans with their text and without their arguments; others have none.
func TestStatements(t *testing.T) {
	sent := telemetrytest.Record(t)
	dsn := databasetest.New(t, nil).Config().ConnString()
	pool, err := database.Open(t.Context(), dsn, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx, span := work(t.Context(), "work")
	for _, c := range []context.Context{t.Context(), ctx} {
		var n int
		if err := pool.QueryRow(c, `select count(*) from pg_class where relname = $1`, "secreta").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if err := pgx.BeginFunc(c, pool, func(tx pgx.Tx) error {
			var batch pgx.Batch
			batch.Queue(`select 1 from pg_type where typname = $1`, "secreta")
			return tx.SendBatch(c, &batch).Close()
		}); err != nil {
			t.Fatal(err)
		}
	}
	span.End()
	spans := sent.Sent()
	for _, s := range spans {
		for _, a := range s.Attributes() {
			if strings.Contains(a.Value.String(), "secreta") {
				t.Errorf("%s has %s=%s", s.Name(), a.Key, a.Value.String())
			}
		}
	}
	all := names(spans)
	if !strings.HasPrefix(all, "work") || strings.Count(all, "select pg_class") != 1 || strings.Count(all, "batch") != 1 || strings.Contains(all, "begin") {
		t.Errorf("sent: %s", all)
	}
}
