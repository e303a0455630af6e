package broadcast

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"entregas/contracts"
	"entregas/internal/telemetry"
	"entregas/services/gestor-compra/anchors"
)

var (
	ended        = telemetry.Counter("entregas_purchases_ended", "Purchases that came to an end, by its state and by the message that is the reason. One that is cancelled after it was confirmed, and one that is FALLIDA and goes on, come to two.")
	endedSeconds = telemetry.Seconds("entregas_purchase_duration", "Time from the acceptance of a purchase to its end, by its state and by whether it waited for approval.", telemetry.Long)
)

// ends are the states that count as the end of a purchase. A dispatch comes days later.
var ends = []contracts.Estado{contracts.EstadoConfirmada, contracts.EstadoRechazada, contracts.EstadoCancelada, contracts.EstadoFallida}

// measureEnd counts c when its newest fact is an end.
func measureEnd(c contracts.Compra) {
	if len(c.Historia) == 0 || !slices.Contains(ends, c.Estado) {
		return
	}
	last := c.Historia[len(c.Historia)-1]
	if last.Paso != string(c.Estado) {
		return // a fact about a purchase that had ended
	}
	approval := "no"
	if slices.ContainsFunc(c.Historia, func(h contracts.HechoContado) bool { return h.Paso == string(contracts.EstadoPorAprobar) }) {
		approval = "yes"
	}
	ctx := telemetry.Under(context.Background(), anchors.OfCompra(c.Traza, c.ID))
	ended.Add(ctx, 1, metric.WithAttributes(attribute.String("state", string(c.Estado)), attribute.String("reason", last.Tipo)))
	endedSeconds.Record(ctx, last.En.Sub(c.CreadaEn).Seconds(), metric.WithAttributes(attribute.String("state", string(c.Estado)), attribute.String("approval", approval)))
}
