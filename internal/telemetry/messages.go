package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"entregas/internal/logging"
)

// Publication starts the span of a publication, if ctx is in a trace. The caller must end the span.
func Publication(ctx context.Context, topic, kind, idCompra string) (context.Context, trace.Span) {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, trace.SpanFromContext(ctx)
	}
	return Work(ctx, "publish "+topic, trace.SpanKindProducer, nil, message(topic, kind, idCompra,
		semconv.MessagingOperationName("publish"), semconv.MessagingOperationTypeSend)...)
}

// Handling starts the span of the handling of a message, below traceparent, which the message carries. If the message was delivered in
// another trace, such as that of the operator who put it back, the span has a link to it. delivered is a context with the span
// context of the delivery. The caller must end the span.
func Handling(delivered context.Context, traceparent, topic, kind, idCompra, id string) (context.Context, trace.Span) {
	ctx, by := delivered, logging.Trace(delivered)
	if Parse(traceparent).IsValid() {
		ctx = Under(ctx, traceparent)
	} else {
		ctx = Under(ctx, by)
	}
	return Work(ctx, "process "+topic, trace.SpanKindConsumer, []string{by}, message(topic, kind, idCompra,
		semconv.MessagingOperationName("process"), semconv.MessagingOperationTypeProcess, semconv.MessagingMessageID(id))...)
}

func message(topic, kind, idCompra string, more ...attribute.KeyValue) []attribute.KeyValue {
	return append(more, semconv.MessagingSystemPulsar, semconv.MessagingDestinationName(topic), KeyMensaje.String(kind), KeyCompra.String(idCompra))
}
