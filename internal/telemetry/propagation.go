package telemetry

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// member is our entry in the header tracestate: span id and flags of the last program of ours that the request came from.
const member = "entregas"

// propagator is W3C's, with one addition: it takes the parent from our entry in tracestate, where there is one. Sidecars write their
// own span into traceparent, and pass tracestate on. So the span of a sidecar is never the parent of a span of ours, and it may be
// missing, filtered or lost (docs/adr/one-trace-a-purchase.md). The W3C recommendation has tracestate for exactly this.
type propagator struct{ propagation.TraceContext }

// Inject implements propagation.TextMapPropagator.
func (p propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	p.TraceContext.Inject(withMember(ctx), carrier)
}

func withMember(ctx context.Context) context.Context {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return ctx
	}
	state, err := sc.TraceState().Insert(member, sc.SpanID().String()+":"+sc.TraceFlags().String())
	if err != nil {
		return ctx
	}
	return trace.ContextWithSpanContext(ctx, sc.WithTraceState(state))
}

// Extract implements propagation.TextMapPropagator.
func (p propagator) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	ctx = p.TraceContext.Extract(ctx, carrier)
	sc := trace.SpanContextFromContext(ctx)
	value := sc.TraceState().Get(member)
	if !sc.IsValid() || len(value) != len("0123456789abcdef:01") || value[16] != ':' {
		return ctx
	}
	id, err := trace.SpanIDFromHex(value[:16])
	if err != nil {
		return ctx
	}
	flags, err := strconv.ParseUint(value[17:], 16, 8)
	if err != nil {
		return ctx
	}
	// The entry is of this hop only: the spans below must not carry it.
	return trace.ContextWithRemoteSpanContext(ctx, sc.WithSpanID(id).WithTraceFlags(trace.TraceFlags(flags)).WithTraceState(sc.TraceState().Delete(member)))
}
