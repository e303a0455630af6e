// Package registro carries what identifies a piece of work (id_compra, trace id) in the context, so that every
// log line under it has it. Nothing personal goes into logs.
package registro

import (
	"context"
	"io"
	"log/slog"
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

// ConTraza gives a context that carries a W3C traceparent; its log lines have the trace id.
func ConTraza(ctx context.Context, traceparent string) context.Context {
	if strings.Count(traceparent, "-") != 3 {
		return ctx
	}
	c := de(ctx)
	c.traceparent = traceparent
	return context.WithValue(ctx, clave{}, c)
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
