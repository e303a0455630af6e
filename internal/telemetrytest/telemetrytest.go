// Package telemetrytest records the spans of a test, and reads its metrics.
package telemetrytest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
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

// Series are the series of a scrape, such as entregas_messages_total{topic="x"}, with their values.
type Series map[string]float64

// Series returns the series whose names begin with prefix, sorted.
func (s Series) Series(prefix string) (found []string) {
	for name := range s {
		if strings.HasPrefix(name, prefix) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// Scrape returns the metrics of the process.
func Scrape(t *testing.T) Series {
	t.Helper()
	return Parse(ScrapeText(t, "text/plain"))
}

// Parse reads the answer to a scrape.
func Parse(text string) Series {
	s := Series{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		at := strings.LastIndexByte(line, ' ')
		if value, err := strconv.ParseFloat(line[at+1:], 64); err == nil && at > 0 && line[0] != '#' {
			s[line[:at]] = value
		}
	}
	return s
}

// ScrapeText returns the metrics of the process in a format of Prometheus.
func ScrapeText(t *testing.T, format string) string {
	t.Helper()
	if err := telemetry.InstallMetrics(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
	r.Header.Set("Accept", format)
	w := httptest.NewRecorder()
	if telemetry.Metrics().ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}
