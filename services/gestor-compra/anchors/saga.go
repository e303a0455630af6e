package anchors

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"entregas/contracts"
	"entregas/internal/logging"
	"entregas/internal/telemetry"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// Traced is compra.Activities with a span for each activity.
type Traced struct {
	next  compra.Activities
	store Store
}

// Trace returns Activities that do what next does, each in a span of its own in the trace of its purchase.
func Trace(next compra.Activities, store Store) Traced { return Traced{next, store} }

var _ compra.Activities = Traced{}

// step is the step that an activity is about, and whether its anchor was sent.
type step struct {
	compras.Asked
	sent bool
}

type stepKeyOf struct{}

// Posed tells that the row of the step exists in which the activity of ctx is. It sends the anchor of the step.
func Posed(ctx context.Context, at time.Time) {
	if s, ok := ctx.Value(stepKeyOf{}).(*step); ok && !s.sent {
		s.At, s.sent = at, true
		SendAsked(s.Asked)
	}
}

// activity runs f in a span below the anchor of the purchase, or of the step of command where that is set.
func (t Traced) activity(ctx context.Context, idCompra, name string, command contracts.MessageType, f func(context.Context) (compra.Outcome, error), attributes ...attribute.KeyValue) error {
	ctx, traza := under(logging.WithCompra(ctx, idCompra), t.store, idCompra)
	if traza == "" {
		_, err := f(ctx)
		return err
	}
	s := &step{Asked: compras.Asked{ID: idCompra, Traza: traza, Command: command}}
	if command != "" {
		name += " " + string(command)
		ctx = context.WithValue(telemetry.Under(ctx, ofStep(s.Asked)), stepKeyOf{}, s)
	}
	ctx, span := telemetry.Work(ctx, name, trace.SpanKindInternal, nil, append(attributes, telemetry.KeyCompra.String(idCompra))...)
	defer span.End()
	d, err := f(ctx)
	telemetry.Fail(span, err)
	if err != nil { // the engine calls the activity again, and then the step is posed
		return err
	}
	if d.Result != "" {
		span.SetAttributes(telemetry.KeyResult.String(string(d.Result)))
	}
	if d.Reply != "" {
		span.SetAttributes(telemetry.KeyCausa.String(string(d.Reply)))
	}
	if command != "" && !s.sent { // nothing was asked
		Posed(ctx, time.Now())
	}
	if d.Result == compra.Cancelled || name == readDecision && d.Result != compra.Pending || compra.StepOf(command).Workflow != compra.CompraName && command != "" {
		t.linkRequests(ctx, idCompra)
	}
	return nil
}

const readDecision = "ReadDecision"

// linkRequests links the span to the requests of persons that led to it. Nothing fails where they cannot be read.
func (t Traced) linkRequests(ctx context.Context, idCompra string) {
	requests, err := t.store.Requests(ctx, idCompra)
	if err != nil {
		return
	}
	for _, r := range requests {
		telemetry.Link(ctx, r)
	}
}

// outcome is activity for an activity with an outcome.
func (t Traced) outcome(ctx context.Context, idCompra, name string, command contracts.MessageType, f func(context.Context) (compra.Outcome, error), attributes ...attribute.KeyValue) (d compra.Outcome, err error) {
	err = t.activity(ctx, idCompra, name, command, func(ctx context.Context) (compra.Outcome, error) {
		d, err = f(ctx)
		return d, err
	}, attributes...)
	return d, err
}

// Ask implements compra.Activities.
func (t Traced) Ask(ctx context.Context, p compra.Question) (compra.Outcome, error) {
	return t.outcome(ctx, p.Compra.ID, "Ask", p.Command, func(ctx context.Context) (compra.Outcome, error) { return t.next.Ask(ctx, p) })
}

// AskForAprobacion implements compra.Activities.
func (t Traced) AskForAprobacion(ctx context.Context, c contracts.SolicitudCompra) (compra.Outcome, error) {
	return t.outcome(ctx, c.ID, "AskForAprobacion", "", func(ctx context.Context) (compra.Outcome, error) { return t.next.AskForAprobacion(ctx, c) })
}

// ReadDecision implements compra.Activities.
func (t Traced) ReadDecision(ctx context.Context, l compra.DecisionReading) (compra.Outcome, error) {
	return t.outcome(ctx, l.IDCompra, readDecision, "", func(ctx context.Context) (compra.Outcome, error) { return t.next.ReadDecision(ctx, l) },
		attribute.Bool("entregas.vencida", l.Expired))
}

// Undo implements compra.Activities. The span says which message is the reason of the compensation.
func (t Traced) Undo(ctx context.Context, r compra.Rollback) (compra.Outcome, error) {
	return t.outcome(ctx, r.Compra.ID, "Undo", r.Command, func(ctx context.Context) (compra.Outcome, error) { return t.next.Undo(ctx, r) },
		telemetry.KeyCausa.String(string(r.Cause)))
}

// Close implements compra.Activities. The span says how the purchase ends, and which message is the reason.
func (t Traced) Close(ctx context.Context, e compra.Ending) error {
	return t.activity(ctx, e.IDCompra, "Close", "", func(ctx context.Context) (compra.Outcome, error) { return compra.Outcome{}, t.next.Close(ctx, e) },
		telemetry.KeyEstado.String(string(e.Estado)), telemetry.KeyCausa.String(string(e.Cause)))
}

// FinishTramite implements compra.Activities.
func (t Traced) FinishTramite(ctx context.Context, m compra.Tramite) error {
	return t.activity(ctx, m.IDCompra, "FinishTramite", "", func(ctx context.Context) (compra.Outcome, error) {
		return compra.Outcome{}, t.next.FinishTramite(ctx, m)
	},
		attribute.String("entregas.tramite", m.Tipo), attribute.Bool("entregas.hecho", m.Done))
}
