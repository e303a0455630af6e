package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

var (
	findings    = Counter("entregas_reconciler_findings", "What a reconciler found and had to put right.")
	lastSuccess = Must(Meter().Float64Gauge("entregas_reconciler_last_success_timestamp", metric.WithUnit("s"), metric.WithDescription("When a reconciler last ended a round without an error, in seconds since 1970.")))
)

// Reconciled measures a round of a reconciler, which found n things.
func Reconciled(ctx context.Context, reconciler string, n int, err error) {
	labels := metric.WithAttributes(attribute.String("reconciler", reconciler))
	findings.Add(ctx, int64(n), labels)
	if err == nil {
		lastSuccess.Record(ctx, float64(time.Now().UnixMilli())/1000, labels)
	}
}
