package telemetry

import (
	"context"
	"strings"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
)

// Queries returns a tracer for the connections of a pool: a span for each statement below a span of ours, with its text and without
// its arguments. The periodic work of a program has no span, so its statements have none. It is nil while tracing is off.
func Queries() pgx.QueryTracer {
	if !On() {
		return nil
	}
	return statements{otelpgx.NewTracer(otelpgx.WithDisableAcquireTracer(), otelpgx.WithDisableConnectionDetailsInAttributes(), otelpgx.WithTrimSQLInSpanName(), otelpgx.WithDisableQuerySpanNamePrefix())}
}

// statements traces queries and batches. It leaves out what says nothing about a purchase: connecting, preparing, begin and commit.
type statements struct{ *otelpgx.Tracer }

type skipped struct{}

// TraceQueryStart implements pgx.QueryTracer.
func (s statements) TraceQueryStart(ctx context.Context, c *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	switch verb, _, _ := strings.Cut(strings.ToLower(data.SQL), " "); verb {
	case "begin", "commit", "rollback", "savepoint", "release", "select":
		if verb != "select" || strings.Contains(data.SQL, "pg_advisory") {
			return context.WithValue(ctx, skipped{}, true)
		}
	}
	return s.Tracer.TraceQueryStart(ctx, c, data)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (s statements) TraceQueryEnd(ctx context.Context, c *pgx.Conn, data pgx.TraceQueryEndData) {
	if ctx.Value(skipped{}) == nil {
		s.Tracer.TraceQueryEnd(ctx, c, data)
	}
}

// TracePrepareStart implements pgx.PrepareTracer.
func (statements) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	return ctx
}

// TracePrepareEnd implements pgx.PrepareTracer.
func (statements) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}
