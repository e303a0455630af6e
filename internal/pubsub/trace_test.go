package pubsub_test

import (
	"context"
	"net/http"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
	"entregas/internal/telemetry"
	"entregas/internal/telemetrytest"
)

// A message goes on in the trace that its record names, whoever delivers it, and so does its reply. A delivery in another trace, that
// of the operator who put the message back, is a link. A reply hangs on what the command hangs on: not on the handler, which may be lost.
func TestAMessageGoesOnInItsTrace(t *testing.T) {
	const own, operator = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
	for name, c := range map[string]struct {
		record, delivered string
		parent            string
		links             int
	}{
		"delivered in its trace":   {own, own, own, 0},
		"put back by an operator":  {own, operator, own, 1},
		"a record without a trace": {"", operator, operator, 0},
		"a record with nonsense":   {"00-x", operator, operator, 0},
		"no trace at all":          {"", "", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			sent := telemetrytest.Record(t)
			var broker pubsubtest.Broker
			publisher := pubsub.NewPublisher(&broker, "test")
			p := newProgram(func(ctx context.Context, m contracts.Message[data]) error {
				if err := pubsub.Publish(ctx, publisher, contracts.EventosProductos, contracts.ProductosReservados, m.Data.IDCompra, contracts.DatosEventoProductos{}); err != nil {
					return err
				}
				return errs.New(errs.Unavailable, "secreto")
			})
			routes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				p.routes.ServeHTTP(w, r.WithContext(logging.WithTrace(r.Context(), c.delivered)))
			})
			m := oneMessage
			m.Traceparent = c.record
			pubsubtest.Deliver(t, routes, topic, m)
			byName := map[string]sdktrace.ReadOnlySpan{}
			for _, s := range sent.Sent() {
				byName[s.Name()] = s
			}
			process, publish := byName["process comandos-producto"], byName["publish eventos-productos"]
			if len(byName) != 2 || process == nil || publish == nil || publish.Parent().SpanID() != process.SpanContext().SpanID() {
				t.Fatalf("%v", byName)
			}
			if telemetry.Format(process.Parent()) != c.parent || len(process.Links()) != c.links || process.Status().Description != string(errs.Unavailable) {
				t.Errorf("parent %q, links %v, %v", telemetry.Format(process.Parent()), process.Links(), process.Status())
			}
			parent := c.parent
			if parent == "" {
				parent = telemetry.Format(process.SpanContext())
			}
			reply := pubsubtest.Published(t, &broker, contracts.EventosProductos)[0]
			if reply.Traceparent != parent || broker.Metadata(string(contracts.EventosProductos))[0]["traceparent"] != parent {
				t.Errorf("the reply carries %q, %v", reply.Traceparent, broker.Metadata(string(contracts.EventosProductos)))
			}
		})
	}
}
