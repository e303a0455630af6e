package broadcast

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"entregas/contracts"
	"entregas/internal/telemetry"
	"entregas/services/gestor-compra/anchors"
	"entregas/services/gestor-compra/compras"
)

var (
	ended        = telemetry.Counter("entregas_purchases_ended", "Purchases that came to their first end, by its state and by the message that is the reason. Each purchase counts once; after a restore those of the last hour count again.")
	endsChanged  = telemetry.Counter("entregas_purchase_ends_changed", "Later ends of purchases that had ended before: one that was cancelled after it was confirmed, or a FALLIDA that went on. From is the end before.")
	endedSeconds = telemetry.Seconds("entregas_purchase_duration", "Time from the acceptance of a purchase to its first end, by its state and by whether it waited for approval.", telemetry.Long)
)

// ends are the states that count as the end of a purchase. A dispatch comes days later.
var ends = []contracts.Estado{contracts.EstadoConfirmada, contracts.EstadoRechazada, contracts.EstadoCancelada, contracts.EstadoFallida}

// end is an entry of a history with which a purchase ended.
type end struct {
	compras.Published        // Until is the number of the entry
	state, reason     string // the state, and the message that is the reason
	before            string // the end before this one, "" for the first
	approval          string // yes where the purchase waited for approval, else no
	after             time.Duration
	traceparent       string
}

// endsOf returns the ends in the history of c.
func endsOf(c contracts.Compra) (found []end) {
	before, approval := "", "no"
	for _, h := range c.Historia {
		if h.Paso == string(contracts.EstadoPorAprobar) {
			approval = "yes"
		}
		if slices.Contains(ends, contracts.Estado(h.Paso)) {
			found = append(found, end{compras.Published{IDCompra: c.ID, Until: h.Numero}, h.Paso, h.Tipo, before, approval, h.En.Sub(c.CreadaEn), anchors.OfCompra(c.Traza, c.ID)})
			before = h.Paso
		}
	}
	return found
}

// measureEnds measures the ends of published among the entries that were marked now. The database marks an entry once. So an end counts
// once, also when its purchase is published again by a sweep, by another replica, or for another reason.
func measureEnds(published []publication, marked []compras.Published) {
	now := make(map[compras.Published]bool, len(marked))
	for _, m := range marked {
		now[m] = true
	}
	for _, p := range published {
		for _, e := range p.ends {
			if now[e.Published] {
				delete(now, e.Published)
				e.measure()
			}
		}
	}
}

func (e end) measure() {
	ctx, state := telemetry.Under(context.Background(), e.traceparent), attribute.String("state", e.state)
	if e.before != "" {
		endsChanged.Add(ctx, 1, metric.WithAttributes(attribute.String("from", e.before), state))
		return
	}
	ended.Add(ctx, 1, metric.WithAttributes(state, attribute.String("reason", e.reason)))
	endedSeconds.Record(ctx, e.after.Seconds(), metric.WithAttributes(state, attribute.String("approval", e.approval)))
}
