// Package logging adds the id of the purchase (id_compra), the trace id and the id of the current span of a context to every log line
// that is written with that context. No personal data is logged.
package logging

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// CompraAttribute is the attribute of a span that has the id of its purchase.
const CompraAttribute = attribute.Key("entregas.id_compra")

type key struct{}

type contextFields struct{ idCompra, traceparent string }

func of(ctx context.Context) contextFields {
	c, _ := ctx.Value(key{}).(contextFields)
	return c
}

// WithCompra returns a context whose log lines have the field id_compra. The current span gets the id too.
func WithCompra(ctx context.Context, id string) context.Context {
	c := of(ctx)
	if span := trace.SpanFromContext(ctx); c.idCompra != id && span.IsRecording() {
		span.SetAttributes(CompraAttribute.String(id))
	}
	c.idCompra = id
	return context.WithValue(ctx, key{}, c)
}

// WithTrace returns a context with traceparent, whose log lines have the field trace_id. Messages that are published in the context
// carry traceparent (docs/adr/one-trace-a-purchase.md). A text that is not a W3C traceparent is ignored: it comes from clients, and
// a sidecar rejects a call with a wrong one.
func WithTrace(ctx context.Context, traceparent string) context.Context {
	traceparent, ok := canonical(traceparent)
	if !ok {
		return ctx
	}
	c := of(ctx)
	c.traceparent = traceparent
	return context.WithValue(ctx, key{}, c)
}

// w3c matches a traceparent of any version. A version after 00 may append fields after another dash.
var w3c = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)`)

// canonical returns a W3C traceparent in the form of version 00; false means that the text is not a traceparent.
func canonical(traceparent string) (string, bool) {
	parts := w3c.FindStringSubmatch(traceparent)
	switch {
	case parts == nil, parts[1] == "ff", strings.Trim(parts[2], "0") == "", strings.Trim(parts[3], "0") == "":
		return "", false
	case parts[1] == "00" && parts[5] != "":
		return "", false
	}
	return "00-" + parts[2] + "-" + parts[3] + "-" + parts[4], true
}

// Trace returns the traceparent of ctx, or "" when it has none.
func Trace(ctx context.Context) string { return of(ctx).traceparent }

// New returns the logger of a program: JSON lines on output with the field service. level is DEBUG, INFO, WARN or ERROR; any
// other text counts as INFO.
func New(output io.Writer, service, level string) *slog.Logger {
	var minimum slog.Level
	if err := minimum.UnmarshalText([]byte(level)); err != nil {
		minimum = slog.LevelInfo
	}
	root := slog.NewJSONHandler(output, &slog.HandlerOptions{Level: minimum})
	return slog.New(handler{root}).With(slog.String("service", service))
}

// handler adds the fields of the context to each log line.
type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, line slog.Record) error {
	c := of(ctx)
	if c.idCompra != "" {
		line.AddAttrs(slog.String("id_compra", c.idCompra))
	}
	span := trace.SpanContextFromContext(ctx)
	switch {
	case span.IsValid() && trace.SpanFromContext(ctx).IsRecording():
		line.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	case c.traceparent != "":
		line.AddAttrs(slog.String("trace_id", strings.Split(c.traceparent, "-")[1]))
	}
	return h.Handler.Handle(ctx, line)
}

func (h handler) WithAttrs(a []slog.Attr) slog.Handler { return handler{h.Handler.WithAttrs(a)} }
func (h handler) WithGroup(n string) slog.Handler      { return handler{h.Handler.WithGroup(n)} }
