// Package logging carries what identifies a piece of work (id_compra, trace id) in the context, so that every
// log line under it has it. Nothing personal goes into logs.
package logging

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

type key struct{}

type contextFields struct{ idCompra, traceparent string }

func of(ctx context.Context) contextFields {
	c, _ := ctx.Value(key{}).(contextFields)
	return c
}

// WithCompra gives a context whose log lines carry id_compra.
func WithCompra(ctx context.Context, id string) context.Context {
	c := of(ctx)
	c.idCompra = id
	return context.WithValue(ctx, key{}, c)
}

// WithTrace gives a context that carries traceparent; its log lines have the trace id. A text that is not a W3C traceparent
// changes nothing, so that the sidecar starts a new trace: customers write this text, and a sidecar refuses a whole call for
// one wrong byte of it.
func WithTrace(ctx context.Context, traceparent string) context.Context {
	traceparent, ok := canonical(traceparent)
	if !ok {
		return ctx
	}
	c := of(ctx)
	c.traceparent = traceparent
	return context.WithValue(ctx, key{}, c)
}

// w3c is a traceparent of any version. A later version may append fields after another dash.
var w3c = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)`)

// canonical gives a W3C traceparent as version 00 writes it; false says that the text is none.
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

// Trace is the traceparent of the context, empty when there is none.
func Trace(ctx context.Context) string { return of(ctx).traceparent }

// New makes the program's logger: JSON lines on output, level as given (DEBUG, INFO, WARN, ERROR).
func New(output io.Writer, service, level string) *slog.Logger {
	var minimum slog.Level
	if err := minimum.UnmarshalText([]byte(level)); err != nil {
		minimum = slog.LevelInfo
	}
	root := slog.NewJSONHandler(output, &slog.HandlerOptions{Level: minimum})
	return slog.New(handler{root}).With(slog.String("servicio", service))
}

// handler adds to each line what its context carries.
type handler struct{ slog.Handler }

func (m handler) Handle(ctx context.Context, linea slog.Record) error {
	c := of(ctx)
	if c.idCompra != "" {
		linea.AddAttrs(slog.String("id_compra", c.idCompra))
	}
	if c.traceparent != "" {
		linea.AddAttrs(slog.String("trace_id", strings.Split(c.traceparent, "-")[1]))
	}
	return m.Handler.Handle(ctx, linea)
}

func (m handler) WithAttrs(a []slog.Attr) slog.Handler { return handler{m.Handler.WithAttrs(a)} }
func (m handler) WithGroup(n string) slog.Handler      { return handler{m.Handler.WithGroup(n)} }
