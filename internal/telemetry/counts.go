package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Count is what became of the spans of the program since its start.
type Count struct {
	Ended  int64 // handed to the queue of the exporter
	Sent   int64 // taken by the collector
	Failed int64 // not taken by the collector
	// Waiting counts the spans in the queue and those that the full queue dropped. Once nothing waits, all of it was dropped.
	Waiting int64
}

// LogValue implements slog.LogValuer.
func (c Count) LogValue() slog.Value {
	return slog.GroupValue(slog.Int64("ended", c.Ended), slog.Int64("sent", c.Sent), slog.Int64("failed", c.Failed), slog.Int64("waiting", c.Waiting))
}

// current has the counts of the provider; nil while tracing is off.
var current *counts

// Spans returns what became of the spans of the program. It is zero while tracing is off.
func Spans() Count {
	if current == nil {
		return Count{}
	}
	c := Count{Ended: current.ended.Load(), Sent: current.sent.Load(), Failed: current.failed.Load()}
	c.Waiting = c.Ended - c.Sent - c.Failed
	return c
}

type counts struct{ ended, sent, failed atomic.Int64 }

// counted is an exporter that counts what it exports.
type counted struct {
	sdktrace.SpanExporter
	counts *counts
}

// ExportSpans implements sdktrace.SpanExporter.
func (c counted) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := c.SpanExporter.ExportSpans(ctx, spans)
	if err != nil {
		c.counts.failed.Add(int64(len(spans)))
	} else {
		c.counts.sent.Add(int64(len(spans)))
	}
	return err
}
