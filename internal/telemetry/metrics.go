package telemetry

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	promexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// The upper bounds of the buckets, in seconds. The bounds of the objectives are among them, so that their share is exact: an order is
// accepted within 0.3 s, and a purchase ends within 5 s (deploy/observability/).
var (
	// Short are the buckets for what one program does: a request, a message, an activity.
	Short = []float64{.005, .01, .025, .05, .1, .2, .3, .5, 1, 2.5, 5, 10}
	// Long are the buckets for what waits for others: a step, a purchase.
	Long = []float64{.1, .25, .5, 1, 2, 3, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400}
)

// registry has the metrics of the program. Metrics serves it.
var registry = prometheus.NewRegistry()

// Registry returns the registry that Metrics serves, for a collector in the form of Prometheus. All other metrics are instruments of
// Meter.
func Registry() prometheus.Registerer { return registry }

// Metrics serves the metrics of the program to Prometheus. A collector that fails leaves out its own metrics, and no others.
func Metrics() http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError})
}

// Meter returns the meter of our own metrics. Its instruments may be made before Start.
func Meter() metric.Meter { return otel.Meter(scope) }

// Must returns an instrument. An error is a mistake in its name or its unit.
func Must[I any](instrument I, err error) I {
	if err != nil {
		panic(err)
	}
	return instrument
}

// Seconds returns a histogram of durations. Its name in Prometheus has the suffix _seconds.
func Seconds(name, meaning string, buckets []float64) metric.Float64Histogram {
	return Must(Meter().Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(meaning), metric.WithExplicitBucketBoundaries(buckets...)))
}

// Counter returns a counter. Its name in Prometheus has the suffix _total.
func Counter(name, meaning string) metric.Int64Counter {
	return Must(Meter().Int64Counter(name, metric.WithDescription(meaning)))
}

// CounterOf is Counter for one with a label whose values are known. Each value is served from the start as 0. So a query sees the first
// increase, and nobody takes a counter that nothing has happened to for one that does not exist.
func CounterOf(name, meaning, label string, values ...string) metric.Int64Counter {
	c := Counter(name, meaning)
	zeros = append(zeros, func() {
		for _, v := range values {
			c.Add(context.Background(), 0, metric.WithAttributes(attribute.String(label, v)))
		}
	})
	return c
}

// OpenOf returns a gauge of what is open now, with a label whose values are known: each is served from the start.
func OpenOf(name, meaning, label string, values ...string) metric.Int64UpDownCounter {
	c := Must(Meter().Int64UpDownCounter(name, metric.WithDescription(meaning)))
	zeros = append(zeros, func() {
		for _, v := range values {
			c.Add(context.Background(), 0, metric.WithAttributes(attribute.String(label, v)))
		}
	})
	return c
}

// zeros gives the metrics of CounterOf and OpenOf their series. InstallMetrics calls each: before, nothing is counted.
var zeros []func()

// InstallMetrics installs the provider of the metrics, once in a process. Start calls it. Metrics need no collector: Prometheus reads
// them from the program.
var InstallMetrics = sync.OnceValue(func() error {
	exporter, err := promexporter.New(promexporter.WithRegisterer(registry), promexporter.WithoutScopeInfo(), promexporter.WithoutTargetInfo(),
		promexporter.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes))
	if err != nil {
		return fmt.Errorf("exporter of metrics: %w", err)
	}
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithView(served)))
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	countSpans()
	for _, zero := range zeros {
		zero()
	}
	return nil
})

// perRoute are the labels of the metrics of requests. The others that otelhttp gives come from the client, which could make any number
// of series with them: the Host header, for example.
var perRoute = attribute.NewAllowKeysFilter(semconv.HTTPRouteKey, semconv.HTTPRequestMethodKey, semconv.HTTPResponseStatusCodeKey)

// served is the view of the metrics: which of those of libraries are served, and with which labels.
func served(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
	s := sdkmetric.Stream{Name: i.Name, Description: i.Description, Unit: i.Unit, ExemplarReservoirProviderSelector: traceOnly}
	switch {
	case i.Scope.Name == scope:
	case i.Name == "http.server.request.duration":
		s.AttributeFilter = perRoute
		s.Aggregation = sdkmetric.AggregationExplicitBucketHistogram{Boundaries: Short}
	case strings.HasPrefix(i.Name, "pgxpool.") && i.Unit != "ns": // Prometheus has seconds only
		s.AttributeFilter = attribute.NewAllowKeysFilter() // a program has one database
	default:
		s.Aggregation = sdkmetric.AggregationDrop{}
	}
	return s, true
}

// traceOnly selects exemplars with the ids of trace and span alone. By default they have the attributes too that the view leaves out.
func traceOnly(a sdkmetric.Aggregation) exemplar.ReservoirProvider {
	provider := sdkmetric.DefaultExemplarReservoirProviderSelector(a)
	return func(kept attribute.Set) exemplar.Reservoir { return bareReservoir{provider(kept)} }
}

type bareReservoir struct{ exemplar.Reservoir }

// Collect implements exemplar.Reservoir.
func (r bareReservoir) Collect(dest *[]exemplar.Exemplar) {
	r.Reservoir.Collect(dest)
	for i := range *dest {
		(*dest)[i].FilteredAttributes = nil
	}
}

// countSpans makes the metrics of what became of the spans.
func countSpans() {
	count := func(name, meaning string, of func(Count) int64) {
		_ = Must(Meter().Int64ObservableCounter(name, metric.WithDescription(meaning),
			metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error { o.Observe(of(Spans())); return nil })))
	}
	count("entregas_spans_ended", "Spans that were to be sent.", func(c Count) int64 { return c.Ended })
	count("entregas_spans_sent", "Spans that the collector took.", func(c Count) int64 { return c.Sent })
	count("entregas_spans_failed", "Spans that the collector did not take.", func(c Count) int64 { return c.Failed })
	count("entregas_spans_dropped", "Spans that the full queue of the exporter did not take.", func(c Count) int64 { return c.Dropped })
	_ = Must(Meter().Int64ObservableGauge("entregas_spans_waiting", metric.WithDescription("Spans in the queue of the exporter, which has room for 8192, and on their way to the collector."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error { o.Observe(Spans().Waiting); return nil })))
}
