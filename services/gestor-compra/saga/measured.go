package saga

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"entregas/contracts"
	"entregas/internal/telemetry"
	"entregas/workflows/compra"
)

var retries = telemetry.CounterOf("entregas_retries", "Calls of an activity that failed, so that the engine calls it again, by the command or the activity.",
	"step", append(texts(compra.Commands()), "AskForAprobacion", "ReadDecision", "Close", "FinishTramite")...)

func texts(commands []contracts.MessageType) (list []string) {
	for _, c := range commands {
		list = append(list, string(c))
	}
	return list
}

// Measured is compra.Activities with metrics of each call. A workflow that is replaced calls activities again that were done. So what must
// count once in a purchase is not measured here: package messages measures the replies, and package broadcast the ends.
type Measured struct{ next compra.Activities }

// Measure returns Activities that do what next does, and measure it.
func Measure(next compra.Activities) Measured { return Measured{next} }

var _ compra.Activities = Measured{}

// measure measures one call. step is its command, or the activity where it has none.
func measure(ctx context.Context, activity, step string, start time.Time, err error) {
	telemetry.Activity(ctx, activity, start, err)
	if err != nil {
		retries.Add(ctx, 1, metric.WithAttributes(attribute.String("step", step)))
	}
}

// Ask implements compra.Activities.
func (m Measured) Ask(ctx context.Context, p compra.Question) (compra.Outcome, error) {
	start := time.Now()
	d, err := m.next.Ask(ctx, p)
	measure(ctx, "Ask", string(p.Command), start, err)
	return d, err
}

// AskForAprobacion implements compra.Activities.
func (m Measured) AskForAprobacion(ctx context.Context, c contracts.SolicitudCompra) (compra.Outcome, error) {
	start := time.Now()
	d, err := m.next.AskForAprobacion(ctx, c)
	measure(ctx, "AskForAprobacion", "AskForAprobacion", start, err)
	return d, err
}

// ReadDecision implements compra.Activities.
func (m Measured) ReadDecision(ctx context.Context, l compra.DecisionReading) (compra.Outcome, error) {
	start := time.Now()
	d, err := m.next.ReadDecision(ctx, l)
	measure(ctx, "ReadDecision", "ReadDecision", start, err)
	return d, err
}

// Undo implements compra.Activities.
func (m Measured) Undo(ctx context.Context, r compra.Rollback) (compra.Outcome, error) {
	start := time.Now()
	d, err := m.next.Undo(ctx, r)
	measure(ctx, "Undo", string(r.Command), start, err)
	return d, err
}

// Close implements compra.Activities.
func (m Measured) Close(ctx context.Context, c compra.Ending) error {
	start := time.Now()
	err := m.next.Close(ctx, c)
	measure(ctx, "Close", "Close", start, err)
	return err
}

// FinishTramite implements compra.Activities.
func (m Measured) FinishTramite(ctx context.Context, t compra.Tramite) error {
	start := time.Now()
	err := m.next.FinishTramite(ctx, t)
	measure(ctx, "FinishTramite", "FinishTramite", start, err)
	return err
}
