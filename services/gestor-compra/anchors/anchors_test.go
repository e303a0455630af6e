package anchors_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"entregas/contracts"
	"entregas/internal/logging"
	"entregas/internal/telemetry"
	"entregas/internal/telemetrytest"
	"entregas/services/gestor-compra/anchors"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/workflows/compra"
)

const (
	request  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	operator = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
)

// scene is a purchase that came with a traceparent, and activities of which each returns outcome.
type scene struct {
	compra.Activities
	postgrestest.Store
	contracts.SolicitudCompra
	traced  anchors.Traced
	sent    *telemetrytest.Recorder
	outcome func(ctx context.Context) (compra.Outcome, error)
}

func newScene(t *testing.T, traceparent string) *scene {
	t.Helper()
	s := &scene{Store: postgrestest.New(t), SolicitudCompra: postgrestest.NewSolicitud()}
	s.traced = anchors.Trace(s, s.Store)
	if _, _, err := s.Accept(logging.WithTrace(t.Context(), traceparent), s.SolicitudCompra, postgrestest.OpenLimit); err != nil {
		t.Fatal(err)
	}
	s.sent = telemetrytest.Record(t)
	return s
}

func (s *scene) Ask(ctx context.Context, _ compra.Question) (compra.Outcome, error) {
	return s.outcome(ctx)
}

func (s *scene) ReadDecision(ctx context.Context, _ compra.DecisionReading) (compra.Outcome, error) {
	return s.outcome(ctx)
}

func byName(spans []sdktrace.ReadOnlySpan) map[string]sdktrace.ReadOnlySpan {
	m := map[string]sdktrace.ReadOnlySpan{}
	for _, s := range spans {
		m[s.Name()] = s
	}
	return m
}

// The span of an activity hangs on the anchor of its step, and the anchor on that of the purchase. What the activity publishes hangs on
// the anchor too. The anchor is sent while the step waits, and also when nothing was asked.
func TestAnActivityIsInTheTraceOfItsPurchase(t *testing.T) {
	at := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		traceparent string
		posed       bool
		err         error
		want        []string
	}{
		"posed":               {request, true, nil, []string{"Ask ReservarProducto", "ReservarProducto"}},
		"nothing to ask":      {request, false, nil, []string{"Ask ReservarProducto", "ReservarProducto"}},
		"failed before":       {request, false, errors.New("no database"), []string{"Ask ReservarProducto"}},
		"not recorded":        {request[:len(request)-1] + "0", true, nil, nil},
		"of before, no trace": {"", true, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, c.traceparent)
			published := ""
			s.outcome = func(ctx context.Context) (compra.Outcome, error) {
				if c.posed {
					anchors.Posed(ctx, at)
					anchors.Posed(ctx, at)
				}
				published = logging.Trace(ctx)
				return compra.Outcome{Result: compra.Accepted}, c.err
			}
			if _, err := s.traced.Ask(t.Context(), compra.Question{Compra: s.SolicitudCompra, Command: contracts.ReservarProducto}); !errors.Is(err, c.err) {
				t.Fatal(err)
			}
			spans := s.sent.Sent()
			var names []string
			for _, one := range spans {
				names = append(names, one.Name())
			}
			if slices.Sort(names); !slices.Equal(names, c.want) {
				t.Fatalf("sent %q, want %q", names, c.want)
			}
			if len(spans) < 2 {
				return
			}
			all := byName(spans)
			activity, anchor := all["Ask ReservarProducto"], all["ReservarProducto"]
			if activity.Parent().SpanID() != anchor.SpanContext().SpanID() || published != telemetry.Format(anchor.SpanContext()) ||
				telemetry.Format(anchor.Parent()) != anchors.OfCompra(telemetry.TraceID(request), s.ID) {
				t.Errorf("%v below %v below %v; published in %s", activity.Parent(), anchor.SpanContext(), anchor.Parent(), published)
			}
			if c.posed && !anchor.StartTime().Equal(at) {
				t.Errorf("the anchor is at %s", anchor.StartTime())
			}
		})
	}
}

// A program that was killed sends its last anchors again, from their rows, as the same spans.
func TestAnchorsAreSentAgain(t *testing.T) {
	s := newScene(t, request)
	old := postgrestest.NewSolicitud()
	if _, _, err := s.Accept(logging.WithTrace(t.Context(), request), old, postgrestest.OpenLimit); err != nil {
		t.Fatal(err)
	}
	s.Do(t, `update compra set creada_en = creada_en - interval '1 hour', actualizada_en = actualizada_en - interval '1 hour' where id = $1`, old.ID)
	s.Do(t, `insert into paso (id_compra, comando) values ($1, 'ValidarInventario'), ($2, 'ValidarInventario')`, s.ID, old.ID)
	c, err := s.Load(t.Context(), s.ID)
	if err != nil || c.Traza != telemetry.TraceID(request) {
		t.Fatalf("%+v %v", c, err)
	}
	step, err := s.LoadStep(t.Context(), s.ID, contracts.ValidarInventario)
	if err != nil {
		t.Fatal(err)
	}
	anchors.SendAccepted(compras.Accepted{ID: c.ID, Codigo: c.Codigo, Traceparent: request, At: c.CreadaEn})
	anchors.SendAsked(compras.Asked{ID: c.ID, Traza: c.Traza, Command: contracts.ValidarInventario, At: step.PreguntadaEn})
	anchors.SendAgain(t.Context(), s.Store)
	spans := s.sent.Sent()
	if len(spans) != 4 {
		t.Fatalf("%d spans", len(spans))
	}
	for i := range 2 {
		a, b := spans[i], spans[i+2]
		if a.Name() != b.Name() || a.SpanContext().SpanID() != b.SpanContext().SpanID() || !a.StartTime().Equal(b.StartTime()) || a.Parent().SpanID() != b.Parent().SpanID() ||
			!slices.Equal(a.Attributes(), b.Attributes()) {
			t.Errorf("%v is sent again as %v", a, b)
		}
	}
	if telemetry.Format(spans[0].SpanContext()) != anchors.OfCompra(c.Traza, c.ID) {
		t.Errorf("the anchor is %v", spans[0].SpanContext())
	}
}

// The activity that takes a decision up has a link to the request of the person who decided.
func TestADecisionIsLinked(t *testing.T) {
	s := newScene(t, request)
	s.Do(t, `update compra set estado = 'POR_APROBAR' where id = $1`, s.ID)
	result := compra.Pending
	s.outcome = func(context.Context) (compra.Outcome, error) { return compra.Outcome{Result: result}, nil }
	read := func() {
		if _, err := s.traced.ReadDecision(t.Context(), compra.DecisionReading{IDCompra: s.ID}); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if _, _, err := s.Decide(logging.WithTrace(t.Context(), operator), s.ID, compras.Decision{Decision: compras.Aprobada}); err != nil {
		t.Fatal(err)
	}
	result = compra.Accepted
	read()
	spans := s.sent.Sent()
	if len(spans) != 2 || len(spans[0].Links()) != 0 || len(spans[1].Links()) != 1 || spans[1].Links()[0].SpanContext.TraceID().String() != telemetry.TraceID(operator) {
		t.Fatalf("%v", spans)
	}
}
