package telemetry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	mrand "math/rand/v2"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"entregas/internal/errs"
	"entregas/internal/logging"
)

// The attributes of our own that several programs set. Names, user ids and products are never attributes.
const (
	KeyCompra  = logging.CompraAttribute          // the id of the purchase
	KeyCodigo  = attribute.Key("entregas.codigo") // its short code
	KeyEstado  = attribute.Key("entregas.estado") // its state after the work
	KeyMensaje = attribute.Key("entregas.mensaje")
	KeyCausa   = attribute.Key("entregas.causa")        // the message that is the reason: why a purchase is compensated, for example
	KeyUndo    = attribute.Key("entregas.compensacion") // whether the step is a rollback
	KeyResult  = attribute.Key("entregas.resultado")
)

// Parse returns the span context of a traceparent; it is not valid when the text is none.
func Parse(traceparent string) trace.SpanContext {
	if traceparent == "" {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": traceparent})
	return trace.SpanContextFromContext(ctx)
}

// Format returns the traceparent of a span context, "" when it is not valid.
func Format(sc trace.SpanContext) string {
	if !sc.IsValid() {
		return ""
	}
	return "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-" + sc.TraceFlags().String()
}

// Recorded returns the trace id of a traceparent as 32 hexadecimal digits, "" when the text is no traceparent or nothing of its trace
// is recorded.
func Recorded(traceparent string) string {
	if sc := Parse(traceparent); sc.IsSampled() {
		return sc.TraceID().String()
	}
	return ""
}

// TraceID is Recorded for any trace.
func TraceID(traceparent string) string {
	if sc := Parse(traceparent); sc.IsValid() {
		return sc.TraceID().String()
	}
	return ""
}

// Under returns a context whose work belongs below traceparent: the spans that start in it, its messages, and its log lines. It
// returns ctx for a text that is no traceparent.
func Under(ctx context.Context, traceparent string) context.Context {
	sc := Parse(traceparent)
	if !sc.IsValid() {
		return ctx
	}
	return logging.WithTrace(trace.ContextWithRemoteSpanContext(ctx, sc), traceparent)
}

// AnchorOf returns the traceparent of the anchor with a key in a trace, "" when traceID is none. Everybody who knows both gets the
// same one. Only what is recorded has anchors.
func AnchorOf(traceID, key string) string {
	t, err := trace.TraceIDFromHex(traceID)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(traceID + "/" + key))
	sum[0] |= 1 // a span id is not zero
	return Format(trace.NewSpanContext(trace.SpanContextConfig{TraceID: t, SpanID: trace.SpanID(sum[:8]), TraceFlags: trace.FlagsSampled}))
}

// Anchor sends the span AnchorOf(the trace of parent, key), an instant at the time at. Work that other programs do, or that is done
// later, hangs on anchors. An anchor is made of rows alone. So a program that was killed can send it again: sent twice, it is the same
// span.
func Anchor(parent, key, name string, at time.Time, attributes ...attribute.KeyValue) {
	sc := Parse(parent)
	if !On() || !sc.IsSampled() {
		return
	}
	at = at.UTC().Truncate(time.Microsecond) // what a database keeps
	own := Parse(AnchorOf(sc.TraceID().String(), key)).SpanID()
	ctx := context.WithValue(trace.ContextWithRemoteSpanContext(context.Background(), sc), idKey{}, own)
	_, span := tracer().Start(ctx, name, trace.WithTimestamp(at), trace.WithAttributes(attributes...))
	span.End(trace.WithTimestamp(at))
}

// Work starts a span of our own for a piece of work in ctx. links are the traceparents of what the work goes back to in other
// traces; texts that are none, and those of the same trace, are left out. The caller must end the span.
func Work(ctx context.Context, name string, kind trace.SpanKind, links []string, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	if !On() {
		return ctx, trace.SpanFromContext(context.Background())
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attributes...)}
	above := trace.SpanContextFromContext(ctx)
	for _, l := range links {
		if sc := Parse(l); sc.IsValid() && sc.TraceID() != above.TraceID() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: sc}))
		}
	}
	ctx, span := tracer().Start(ctx, name, options...)
	if !above.IsValid() { // nothing above it: its messages and its later work hang on it
		ctx = logging.WithTrace(ctx, Format(span.SpanContext()))
	}
	return ctx, span
}

// Link adds to the current span a link to traceparent, of another trace.
func Link(ctx context.Context, traceparent string) {
	if sc := Parse(traceparent); sc.IsValid() && sc.TraceID() != trace.SpanContextFromContext(ctx).TraceID() {
		trace.SpanFromContext(ctx).AddLink(trace.Link{SpanContext: sc})
	}
}

// Fail says on span that the work failed, by the code of err: the text of an error may repeat what a person wrote. An err of nil
// says nothing.
func Fail(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		code := string(errs.Of(err))
		span.SetAttributes(semconv.ErrorTypeKey.String(code))
		span.SetStatus(codes.Error, code)
	}
}

type idKey struct{}

// ids makes random ids, and for an anchor the one that its context names.
type ids struct{}

// NewIDs implements sdktrace.IDGenerator.
func (g *ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	var t trace.TraceID
	_, _ = rand.Read(t[:]) // it does not fail
	return t, g.NewSpanID(ctx, t)
}

// NewSpanID implements sdktrace.IDGenerator.
func (*ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if id, named := ctx.Value(idKey{}).(trace.SpanID); named {
		return id
	}
	var s trace.SpanID
	binary.BigEndian.PutUint64(s[:], mrand.Uint64()|1) // #nosec G404 -- no secret
	return s
}

// unrecorded returns a new traceparent that no program records. While tracing is off, it ties the log lines of a request together.
func unrecorded() string {
	var g ids
	t, s := g.NewIDs(context.Background())
	return Format(trace.NewSpanContext(trace.SpanContextConfig{TraceID: t, SpanID: s}))
}
