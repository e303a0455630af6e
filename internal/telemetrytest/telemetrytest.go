// Package telemetrytest records the spans of a test.
package telemetrytest

import (
	"context"
	"slices"
	"sync"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"entregas/internal/telemetry"
)

// Recorder is an exporter that keeps the spans in the order in which they come.
type Recorder struct {
	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
	stop  func()
}

// Record turns tracing on until the test ends. Such a test may not run beside others.
func Record(t *testing.T) *Recorder {
	t.Helper()
	r := &Recorder{}
	stop, err := telemetry.Install(t.Context(), "test", "1", r)
	if err != nil {
		t.Fatal(err)
	}
	r.stop = stop
	t.Cleanup(stop)
	return r
}

// Sent ends the recording and returns the spans.
func (r *Recorder) Sent() []sdktrace.ReadOnlySpan {
	r.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans)
}

// ExportSpans implements sdktrace.SpanExporter.
func (r *Recorder) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans = append(r.spans, spans...)
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (r *Recorder) Shutdown(context.Context) error { return nil }
