package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"entregas/internal/logging"
)

// Delivery starts the span of one try to send an event of type kind to a receiver outside. traceparent is the trace of the event; the span
// is its child. again is the traceparent of the operator who repeated the delivery; the span has a link to it. channel is webhook or
// correo. The caller must end the span.
func Delivery(ctx context.Context, channel, kind, idCompra, traceparent, again string) (context.Context, trace.Span) {
	ctx = Under(ctx, traceparent)
	if idCompra != "" {
		ctx = logging.WithCompra(ctx, idCompra)
	}
	return Work(ctx, "deliver "+channel, trace.SpanKindClient, []string{again}, KeyMensaje.String(kind), KeyCompra.String(idCompra))
}

// Delivered says on span what the try came to: the status of the answer, 0 where there was none, and whether the try failed.
func Delivered(span trace.Span, status int, failed bool) {
	reason := "no_answer"
	if status != 0 {
		span.SetAttributes(semconv.HTTPResponseStatusCode(status))
		reason = "refused"
	}
	if failed {
		span.SetAttributes(semconv.ErrorTypeKey.String(reason))
		span.SetStatus(codes.Error, reason)
	}
}

// Traceparent returns the traceparent that a request to a system outside carries: that of the current span. It returns "" outside of any
// trace, and while tracing is off: the trace would have no spans, and the stored one may be the client's.
func Traceparent(ctx context.Context) string {
	if !On() {
		return ""
	}
	return Format(trace.SpanContextFromContext(ctx))
}
