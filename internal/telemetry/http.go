package telemetry

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"entregas/internal/logging"
)

// unseen are the paths without spans: probes, and what a monitoring system reads each few seconds.
var unseen = []string{"/healthz", "/readyz", "/metrics"}

// seen tells whether a request has a span.
func seen(r *http.Request) bool { return !slices.Contains(unseen, r.URL.Path) && !isStream(r) }

// isStream tells whether r asks for a stream. A stream lasts for hours, so it has no span. Only a GET and a GraphQL
// request can become a stream; other requests have a span whatever their headers are.
func isStream(r *http.Request) bool {
	asked := r.Header.Get("Upgrade") != "" || strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	return asked && (r.Method == http.MethodGet || r.URL.Path == "/graphql" || r.URL.Path == "/v1")
}

// Routes returns a middleware that starts a span for each request, named by its method and its route, below the span of the caller.
// A message is such a request too, but has no span here: pubsub has its own.
func Routes() mux.MiddlewareFunc { return routes(false) }

// PublicRoutes is Routes for a program whose clients are anybody. Each request begins a trace, with a link to that of the client: a
// client could otherwise put many purchases into one trace, or decide that nothing is recorded.
func PublicRoutes() mux.MiddlewareFunc { return routes(true) }

func routes(public bool) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		plain := quiet(public, next)
		inPath := measured(plain)
		if On() {
			inPath = withSpan(public, next)
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if seen(r) && !isMessage(r) {
				inPath.ServeHTTP(w, r)
				return
			}
			plain.ServeHTTP(w, r)
		})
	}
}

// isMessage tells whether r is the delivery of a message, by the routes of components/subscriptions.yaml.
func isMessage(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/mensajes/") || strings.HasPrefix(r.URL.Path, "/vivo/")
}

// withSpan is the middleware for requests with a span and metrics.
func withSpan(public bool, next http.Handler) http.Handler {
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		span := trace.SpanFromContext(ctx)
		span.SetAttributes(semconv.HTTPRoute(template(r)))
		labelRoute(r)
		anchor := span.SpanContext()
		if caller := remote(r); !public && caller.IsValid() {
			anchor = caller // the caller's span, since ours may be lost
		}
		next.ServeHTTP(w, r.WithContext(logging.WithTrace(ctx, Format(anchor))))
	})
	return otelhttp.NewHandler(inner, "", otelhttp.WithPublicEndpointFn(func(*http.Request) bool { return public }),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + template(r) }))
}

// measured is the middleware for requests with metrics only.
func measured(next http.Handler) http.Handler {
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		labelRoute(r)
		next.ServeHTTP(w, r)
	})
	return otelhttp.NewHandler(inner, "", otelhttp.WithTracerProvider(noop.NewTracerProvider()),
		otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()))
}

// Unmatched is the middleware for the answers to requests without a route. They have metrics, and no span: anybody can send them.
func Unmatched(next http.Handler) http.Handler { return measured(next) }

// labelRoute gives the metrics of r the label http_route.
func labelRoute(r *http.Request) {
	labeler, _ := otelhttp.LabelerFromContext(r.Context())
	labeler.Add(semconv.HTTPRoute(template(r)))
}

// quiet is the middleware for requests without a span.
func quiet(public bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		traceparent := Format(remote(r))
		if public && !isMessage(r) {
			traceparent = unrecorded()
		}
		next.ServeHTTP(w, r.WithContext(logging.WithTrace(r.Context(), traceparent)))
	})
}

// remote returns the span context of the caller of r.
func remote(r *http.Request) trace.SpanContext {
	return trace.SpanContextFromContext(propagator{}.Extract(context.Background(), propagation.HeaderCarrier(r.Header)))
}

// template returns the template of the route of r, such as /compras/{id}.
func template(r *http.Request) string {
	if route := mux.CurrentRoute(r); route != nil {
		if t, err := route.GetPathTemplate(); err == nil {
			return t
		}
	}
	return "unmatched"
}

// Transport returns a RoundTripper that starts a span for each call of service, named by name. The call goes through a sidecar,
// which is told not to record it: the paths of calls name persons, and a sidecar takes them as the names of its spans.
func Transport(base http.RoundTripper, service string) http.RoundTripper {
	if !On() {
		return passOn{base}
	}
	traced := otelhttp.NewTransport(base, otelhttp.WithPropagators(unrecordedBySidecar{}),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + service }),
		otelhttp.WithSpanOptions(trace.WithAttributes(semconv.ServicePeerName(service))))
	return onlyBelow{traced, base}
}

// onlyBelow traces the calls that belong to a trace. Health checks belong to none.
type onlyBelow struct{ traced, plain http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (o onlyBelow) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace.SpanContextFromContext(r.Context()).IsValid() {
		return o.traced.RoundTrip(r)
	}
	return passOn{o.plain}.RoundTrip(r)
}

// passOn sends the traceparent of the context with each request.
type passOn struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (p passOn) RoundTrip(r *http.Request) (*http.Response, error) {
	if traceparent := logging.Trace(r.Context()); traceparent != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Traceparent", traceparent)
	}
	return p.RoundTripper.RoundTrip(r)
}

// unrecordedBySidecar injects the context for the next program of ours, and tells the sidecars on the way not to record.
type unrecordedBySidecar struct{ propagator }

// Inject implements propagation.TextMapPropagator.
func (unrecordedBySidecar) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	ctx = withMember(ctx)
	sc := trace.SpanContextFromContext(ctx)
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(ctx, sc.WithTraceFlags(0)), carrier)
}
