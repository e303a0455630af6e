package anchors

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"entregas/internal/telemetry"
	"entregas/services/gestor-compra/engine"
	"entregas/workflows/compra"
)

// Engine is an engine whose starts and replacements of workflows are spans in the trace of their purchase.
type Engine struct {
	*engine.Engine
	store Store
}

// TraceEngine returns an Engine that acts through next.
func TraceEngine(next *engine.Engine, store Store) Engine { return Engine{next, store} }

// Start starts a workflow as engine.Engine does. The start of a dispatch or a cancellation has a link to the request for it.
func (e Engine) Start(ctx context.Context, name, id string, in compra.Input) error {
	return e.do(ctx, "start "+name, in, func(ctx context.Context) error { return e.Engine.Start(ctx, name, id, in) })
}

// Replace replaces a workflow that stands still, as engine.Engine does.
func (e Engine) Replace(ctx context.Context, name, id string, in compra.Input) error {
	return e.do(ctx, "replace "+name, in, func(ctx context.Context) error { return e.Engine.Replace(ctx, name, id, in) })
}

func (e Engine) do(ctx context.Context, name string, in compra.Input, f func(context.Context) error) error {
	ctx, traza := under(ctx, e.store, in.Compra.ID)
	if traza == "" {
		return f(telemetry.WithoutSpan(ctx))
	}
	ctx, span := telemetry.Work(ctx, name, trace.SpanKindInternal, nil, telemetry.KeyCompra.String(in.Compra.ID))
	defer span.End()
	if in.Motivo != "" || name == "start "+compra.DespachoName {
		Traced{store: e.store}.linkRequests(ctx, in.Compra.ID)
	}
	err := f(telemetry.WithoutSpan(ctx))
	telemetry.Fail(span, err)
	return err
}
