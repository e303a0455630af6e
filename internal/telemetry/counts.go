package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Count is what became of the spans of the program since its start.
type Count struct {
	Ended   int64 // that were to be sent
	Sent    int64 // taken by the collector
	Failed  int64 // not taken by the collector
	Dropped int64 // not taken by the full queue of the exporter
	Waiting int64 // in the queue, or on their way to the collector
}

// LogValue implements slog.LogValuer.
func (c Count) LogValue() slog.Value {
	return slog.GroupValue(slog.Int64("ended", c.Ended), slog.Int64("sent", c.Sent), slog.Int64("failed", c.Failed), slog.Int64("dropped", c.Dropped), slog.Int64("waiting", c.Waiting))
}

// current has the counts of the provider; nil while tracing is off.
var current *counts

// Spans returns what became of the spans of the program. It is zero while tracing is off.
func Spans() Count {
	if current == nil {
		return Count{}
	}
	return Count{Ended: current.ended.Load(), Sent: current.sent.Load(), Failed: current.failed.Load(), Dropped: current.dropped.Load(), Waiting: current.waiting.Load()}
}

type counts struct{ ended, sent, failed, dropped, waiting atomic.Int64 }

// take counts one more span for the queue of the exporter, or as dropped where the queue is full. The processor of the SDK drops spans
// too, and does not say so; it never has more than these.
func (c *counts) take() bool {
	c.ended.Add(1)
	if c.waiting.Add(1) > queue {
		c.waiting.Add(-1)
		c.dropped.Add(1)
		return false
	}
	return true
}

// counted is an exporter that counts what it exports.
type counted struct {
	sdktrace.SpanExporter
	counts *counts
}

// ExportSpans implements sdktrace.SpanExporter.
func (c counted) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := c.SpanExporter.ExportSpans(ctx, spans)
	c.counts.waiting.Add(-int64(len(spans)))
	if err != nil {
		c.counts.failed.Add(int64(len(spans)))
	} else {
		c.counts.sent.Add(int64(len(spans)))
	}
	return err
}
