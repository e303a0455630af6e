// Package registro carries what identifies a piece of work (id_compra, trace id) in the context, so that every
// log line under it has it. Nothing personal goes into logs.
package registro

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

type clave struct{}

type contexto struct{ idCompra, traceparent string }

func de(ctx context.Context) contexto {
	c, _ := ctx.Value(clave{}).(contexto)
	return c
}

// ConCompra gives a context whose log lines carry id_compra.
func ConCompra(ctx context.Context, id string) context.Context {
	c := de(ctx)
	c.idCompra = id
	return context.WithValue(ctx, clave{}, c)
}

// ConTraza gives a context that carries traceparent; its log lines have the trace id. A text that is not a W3C traceparent
// changes nothing, so that the sidecar starts a new trace: customers write this text, and a sidecar refuses a whole call for
// one wrong byte of it.
func ConTraza(ctx context.Context, traceparent string) context.Context {
	traceparent, ok := canonical(traceparent)
	if !ok {
		return ctx
	}
	c := de(ctx)
	c.traceparent = traceparent
	return context.WithValue(ctx, clave{}, c)
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

// Traza is the traceparent of the context, empty when there is none.
func Traza(ctx context.Context) string { return de(ctx).traceparent }

// Nuevo makes the program's logger: JSON lines on salida, level as given (DEBUG, INFO, WARN, ERROR).
func Nuevo(salida io.Writer, servicio, nivel string) *slog.Logger {
	var minimo slog.Level
	if err := minimo.UnmarshalText([]byte(nivel)); err != nil {
		minimo = slog.LevelInfo
	}
	base := slog.NewJSONHandler(salida, &slog.HandlerOptions{Level: minimo})
	return slog.New(manejador{base}).With(slog.String("servicio", servicio))
}

// manejador adds to each line what its context carries.
type manejador struct{ slog.Handler }

func (m manejador) Handle(ctx context.Context, linea slog.Record) error {
	c := de(ctx)
	if c.idCompra != "" {
		linea.AddAttrs(slog.String("id_compra", c.idCompra))
	}
	if c.traceparent != "" {
		linea.AddAttrs(slog.String("trace_id", strings.Split(c.traceparent, "-")[1]))
	}
	return m.Handler.Handle(ctx, linea)
}

func (m manejador) WithAttrs(a []slog.Attr) slog.Handler { return manejador{m.Handler.WithAttrs(a)} }
func (m manejador) WithGroup(n string) slog.Handler      { return manejador{m.Handler.WithGroup(n)} }
