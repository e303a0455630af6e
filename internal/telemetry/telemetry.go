// Package telemetry sends the spans of a program to an OpenTelemetry collector, and serves its metrics to Prometheus. Each program
// calls Start once.
//
// Tracing is off unless OTEL_EXPORTER_OTLP_ENDPOINT is set. The other variables are those of the OpenTelemetry specification
// (OTEL_TRACES_SAMPLER, OTEL_BSP_SCHEDULE_DELAY, …), and the SDK reads them. The trace context is passed on in both cases, in the
// form of W3C.
//
// One purchase is one trace without orphans, also when a program is killed: docs/adr/one-trace-a-purchase.md has the rules, and this
// package holds them.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

const (
	// scope is the name of the instrumentation of our own spans.
	scope = "entregas/internal/telemetry"
	// queue is how many finished spans may wait for the collector. A span that does not fit is dropped and counted.
	queue = 8192
	// batchDelay is how long a finished span waits for others. OTEL_BSP_SCHEDULE_DELAY replaces it.
	batchDelay = time.Second
	// exportDeadline bounds one export. Spans that the collector does not take within it are dropped and counted.
	exportDeadline = 10 * time.Second
	// baseDelay is the pause between the first two tries to reach a collector, and reconnect the longest one.
	baseDelay, reconnect = time.Second, 5 * time.Second
	// stopDeadline bounds the last export, when the program stops.
	stopDeadline = 3 * time.Second
)

// on tells whether a provider is installed. Start sets it before the program serves anything.
var on bool

// On tells whether the program records spans.
func On() bool { return on }

func init() { otel.SetTextMapPropagator(propagator{}) }

// Start installs the provider of metrics, and that of the spans of service, unless collector is empty. collector is the value of OTEL_EXPORTER_OTLP_ENDPOINT, which the SDK
// reads itself. The caller must call the returned function when the program stops: it sends the spans that are left, for at most
// stopDeadline. A collector that does not answer is no error.
func Start(ctx context.Context, service, version, collector string) (stop func(), err error) {
	otel.SetErrorHandler(&complaints{})
	if err := InstallMetrics(); err != nil {
		return nil, err
	}
	if collector == "" {
		return func() {}, nil
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithDialOption(grpc.WithConnectParams(grpc.ConnectParams{
		Backoff: backoff.Config{BaseDelay: baseDelay, Multiplier: 1.6, Jitter: 0.2, MaxDelay: reconnect}, MinConnectTimeout: reconnect,
	}))) // connects in the background
	if err != nil {
		return nil, fmt.Errorf("exporter of spans: %w", err)
	}
	return Install(ctx, service, version, exporter)
}

// Install is Start for an exporter of the caller's.
func Install(ctx context.Context, service, version string, exporter sdktrace.SpanExporter) (stop func(), err error) {
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithFromEnv(),
		resource.WithAttributes(semconv.ServiceName(service), semconv.ServiceVersion(version), semconv.ServiceNamespace("entregas")))
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("attributes of the program: %w", err)
	}
	options := []sdktrace.BatchSpanProcessorOption{sdktrace.WithMaxQueueSize(queue), sdktrace.WithExportTimeout(exportDeadline)}
	if os.Getenv("OTEL_BSP_SCHEDULE_DELAY") == "" {
		options = append(options, sdktrace.WithBatchTimeout(batchDelay))
	}
	counts := &counts{}
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithIDGenerator(&ids{}),
		sdktrace.WithSpanProcessor(newWhole(counts, sdktrace.NewBatchSpanProcessor(counted{exporter, counts}, options...))))
	otel.SetTracerProvider(provider)
	on, current = true, counts
	return func() {
		on = false
		limit, release := context.WithTimeout(context.WithoutCancel(ctx), stopDeadline)
		defer release()
		if err := provider.Shutdown(limit); err != nil {
			slog.WarnContext(ctx, "the last spans were not sent", "error", err, "spans", Spans())
		}
	}, nil
}

// tracer returns the tracer of our own spans. While tracing is off, its spans record nothing.
func tracer() trace.Tracer { return otel.Tracer(scope) }

// complaintEvery is how often a program logs that spans do not reach the collector, or that a metric could not be read.
const complaintEvery = time.Minute

// complaints logs the errors of the SDK, at most one each complaintEvery.
type complaints struct {
	mu   sync.Mutex
	next time.Time
}

// Handle implements otel.ErrorHandler.
func (c *complaints) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.After(c.next) {
		c.next = now.Add(complaintEvery)
		slog.Warn("telemetry is not whole", "error", err, "spans", Spans())
	}
}
