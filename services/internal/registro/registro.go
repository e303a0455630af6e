// Package registro carries what identifies a piece of work (id_compra, trace id) in the context, so that every
// log line under it has it. Nothing personal goes into logs.
package registro

import (
	"context"
	"log/slog"
	"os"
	"strings"
)

type clave struct{}

type contexto struct {
	atributos   []slog.Attr
	traceparent string
}

func de(ctx context.Context) contexto {
	c, _ := ctx.Value(clave{}).(contexto)
	return c
}

// ConCompra gives a context whose log lines carry id_compra.
func ConCompra(ctx context.Context, id string) context.Context {
	c := de(ctx)
	c.atributos = append(c.atributos[:len(c.atributos):len(c.atributos)], slog.String("id_compra", id))
	return context.WithValue(ctx, clave{}, c)
}

// ConTraza gives a context that carries a W3C traceparent; its log lines have the trace id.
func ConTraza(ctx context.Context, traceparent string) context.Context {
	partes := strings.Split(traceparent, "-")
	if len(partes) != 4 {
		return ctx
	}
	c := de(ctx)
	c.traceparent = traceparent
	c.atributos = append(c.atributos[:len(c.atributos):len(c.atributos)], slog.String("trace_id", partes[1]))
	return context.WithValue(ctx, clave{}, c)
}

// Traza is the traceparent of the context, empty when there is none.
func Traza(ctx context.Context) string { return de(ctx).traceparent }

// Nuevo makes the program's logger: JSON lines on standard output, level as given (DEBUG, INFO, WARN, ERROR).
func Nuevo(servicio, nivel string) *slog.Logger {
	var minimo slog.Level
	if err := minimo.UnmarshalText([]byte(nivel)); err != nil {
		minimo = slog.LevelInfo
	}
	base := slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: minimo})
	return slog.New(manejador{base}).With(slog.String("servicio", servicio))
}

// manejador adds the context's attributes to each line.
type manejador struct{ slog.Handler }

func (m manejador) Handle(ctx context.Context, linea slog.Record) error {
	linea.AddAttrs(de(ctx).atributos...)
	return m.Handler.Handle(ctx, linea)
}

func (m manejador) WithAttrs(a []slog.Attr) slog.Handler { return manejador{m.Handler.WithAttrs(a)} }
func (m manejador) WithGroup(n string) slog.Handler      { return manejador{m.Handler.WithGroup(n)} }
