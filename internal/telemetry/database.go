package telemetry

import (
	"context"
	"regexp"
	"strings"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Queries returns a tracer for the connections of a pool: a span for each statement or batch below a span of ours, with its text and
// without its arguments. The periodic work of a program has no span, so its statements have none. It is nil while tracing is off.
func Queries() pgx.QueryTracer {
	if !On() {
		return nil
	}
	return statements{otelpgx.NewTracer(otelpgx.WithDisableConnectionDetailsInAttributes(),
		otelpgx.WithDisableAcquireTracer(), otelpgx.WithSpanNameFunc(nameOf))}
}

// statements leaves out what says nothing about a purchase: preparing, beginning and committing. The statements of a batch run together,
// so they are events of the span of the batch.
type statements struct{ *otelpgx.Tracer }

type skipped struct{}

var unnamed = regexp.MustCompile(`(?i)^\s*(begin|commit|rollback|savepoint|release)\b`)

// TraceQueryStart implements pgx.QueryTracer.
func (s statements) TraceQueryStart(ctx context.Context, c *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if unnamed.MatchString(data.SQL) {
		return context.WithValue(ctx, skipped{}, true)
	}
	return s.Tracer.TraceQueryStart(ctx, c, data)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (s statements) TraceQueryEnd(ctx context.Context, c *pgx.Conn, data pgx.TraceQueryEndData) {
	if ctx.Value(skipped{}) == nil {
		s.Tracer.TraceQueryEnd(ctx, c, data)
	}
}

// TraceBatchQuery implements pgx.BatchTracer.
func (statements) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent(nameOf(data.SQL), trace.WithAttributes(semconv.DBQueryText(data.SQL)))
	}
}

// TracePrepareStart implements pgx.PrepareTracer.
func (statements) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	return ctx
}

// TracePrepareEnd implements pgx.PrepareTracer.
func (statements) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}

var (
	writes = regexp.MustCompile(`(?i)\b(insert into|update|delete from)\s+([a-z_]+)`)
	reads  = regexp.MustCompile(`(?i)\bfrom\s+([a-z_]+)`)
)

// nameOf names a statement by what it does and its first table, as the conventions ask: `insert compra`.
func nameOf(sql string) string {
	if m := writes.FindStringSubmatch(sql); m != nil {
		verb, _, _ := strings.Cut(strings.ToLower(m[1]), " ")
		return verb + " " + m[2]
	}
	if m := reads.FindStringSubmatch(sql); m != nil {
		return "select " + m[1]
	}
	verb, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	return strings.ToLower(verb)
}
