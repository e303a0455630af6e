package telemetry

import (
	"context"
	"slices"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"

	"entregas/internal/logging"
)

const publish = "/dapr.proto.runtime.v1.Dapr/PublishEvent"

// stateCalls are the calls of a sidecar that have a span here. A publication has the span of pubsub. The calls of the workflow engine
// have none: their work is in the spans of the saga, and most of them only wait.
var stateCalls = []string{
	"/dapr.proto.runtime.v1.Dapr/GetState", "/dapr.proto.runtime.v1.Dapr/GetBulkState", "/dapr.proto.runtime.v1.Dapr/SaveState",
	"/dapr.proto.runtime.v1.Dapr/DeleteState", "/dapr.proto.runtime.v1.Dapr/ExecuteStateTransaction",
}

// Sidecar returns the options of the connection to the program's own sidecar.
//
// A sidecar records only publications, below the traceparent of their message. It begins a trace for each call without a context,
// so each other call says that it is not to be recorded.
func Sidecar() []grpc.DialOption {
	options := []grpc.DialOption{grpc.WithChainUnaryInterceptor(tellUnary), grpc.WithChainStreamInterceptor(tellStream)}
	if On() {
		options = append(options, grpc.WithStatsHandler(stateOfWork{otelgrpc.NewClientHandler(otelgrpc.WithPropagators(propagation.NewCompositeTextMapPropagator()))}))
	}
	return options
}

// silent is the context of the calls that a sidecar does not record.
const silent = "00-00000000000000000000000000000001-0000000000000001-00"

func tell(ctx context.Context, method string) context.Context {
	traceparent := silent
	if t := logging.Trace(ctx); t != "" && method == publish {
		traceparent = t
	}
	return metadata.AppendToOutgoingContext(ctx, "traceparent", traceparent)
}

func tellUnary(ctx context.Context, method string, request, reply any, c *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return call(tell(ctx, method), method, request, reply, c, opts...)
}

func tellStream(ctx context.Context, d *grpc.StreamDesc, c *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return open(tell(ctx, method), d, c, method, opts...)
}

// stateOfWork traces the stateCalls below a span of ours. Periodic work has no span, so its calls have none.
type stateOfWork struct{ stats.Handler }

type traced struct{}

// TagRPC implements stats.Handler.
func (s stateOfWork) TagRPC(ctx context.Context, call *stats.RPCTagInfo) context.Context {
	if !slices.Contains(stateCalls, call.FullMethodName) || !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	return context.WithValue(s.Handler.TagRPC(ctx, call), traced{}, true)
}

// HandleRPC implements stats.Handler.
func (s stateOfWork) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if ctx.Value(traced{}) != nil {
		s.Handler.HandleRPC(ctx, event)
	}
}

// WithoutSpan returns ctx without its current span. The client of the workflow engine would otherwise have the engine record the
// instance: its span comes only when the instance ends, so everything below it is an orphan until then.
func WithoutSpan(ctx context.Context) context.Context {
	return trace.ContextWithSpanContext(ctx, trace.SpanContext{})
}
