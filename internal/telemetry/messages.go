package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
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

// What became of a message, as a label of its metric.
const (
	Done  = "done"
	Retry = "retry" // given back to the broker
	Dead  = "dead"  // a dead letter
	Error = "error" // of an activity
)

var (
	messageSeconds  = Seconds("entregas_message_duration", "How long the handling of a message took, by what became of it: done, retry (redelivered) or dead (a dead letter).", Short)
	activitySeconds = Seconds("entregas_activity_duration", "How long a call of an activity of the saga took, by whether it was done or ended in an error.", Short)
)

// Handled measures the handling of a message of topic since start. outcome is Done, Retry or Dead.
func Handled(ctx context.Context, topic, outcome string, start time.Time) {
	messageSeconds.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(attribute.String("topic", topic), attribute.String("outcome", outcome)))
}

// Activity measures a call of an activity of the saga since start.
func Activity(ctx context.Context, name string, start time.Time, err error) {
	outcome := Done
	if err != nil {
		outcome = Error
	}
	activitySeconds.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(attribute.String("activity", name), attribute.String("outcome", outcome)))
}
