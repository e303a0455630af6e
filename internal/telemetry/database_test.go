package telemetry_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/codes"

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
	if _, err := pool.Exec(ctx, `select $1::text::uuid`, "secreta"); err == nil {
		t.Error("secreta is no uuid")
	}
	span.End()
	spans := sent.Sent()
	failed := 0
	for _, s := range spans {
		if s.Status().Code == codes.Error {
			failed++
		}
		if text := fmt.Sprint(s.Attributes(), s.Events(), s.Status()); strings.Contains(text, "secreta") {
			t.Errorf("%s has %s", s.Name(), text)
		}
	}
	if failed == 0 {
		t.Error("the refused statement is no error in the trace")
	}
	all := names(spans)
	if !strings.HasPrefix(all, "work") || strings.Count(all, "select pg_class") != 1 || strings.Count(all, "batch") != 1 || strings.Contains(all, "begin") {
		t.Errorf("sent: %s", all)
	}
}
