package telemetry_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"entregas/internal/logging"
	"entregas/internal/telemetry"
	"entregas/internal/telemetrytest"
)

const (
	caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	other  = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
)

func work(ctx context.Context, name string) (context.Context, trace.Span) {
	return telemetry.Work(ctx, name, trace.SpanKindInternal, nil)
}

func names(spans []sdktrace.ReadOnlySpan) (all string) {
	for _, s := range spans {
		all += s.Name() + " "
	}
	return strings.TrimSpace(all)
}

// A program that is killed at any moment has sent no span without its parent. Failure prevented: the SDK sends a child when it ends,
// so the statements of a request that was cut off become orphans.
func TestAKilledProgramLeavesNoOrphan(t *testing.T) {
	sent := telemetrytest.Record(t)
	ctx, first := work(telemetry.Under(t.Context(), caller), "first")
	inner, second := work(ctx, "second")
	_, third := work(inner, "third")
	_, fourth := work(ctx, "fourth")
	_, late := work(ctx, "late")
	third.End()
	second.End()
	fourth.End()
	_, cutOff := work(telemetry.Under(t.Context(), caller), "cut off")
	_, ended := work(trace.ContextWithSpan(t.Context(), cutOff), "statement")
	ended.End()
	first.End()
	late.End()
	if got := names(sent.Sent()); got != "first second third fourth late" {
		t.Errorf("sent: %s", got)
	}
}

// The next program takes our span as the parent, whatever sidecars did to the headers in between.
func TestASidecarIsNoParent(t *testing.T) {
	sent := telemetrytest.Record(t)
	got := make(chan trace.SpanContext, 1)
	routes := mux.NewRouter()
	routes.Use(telemetry.Routes())
	routes.HandleFunc("/compras/{id}", func(_ http.ResponseWriter, r *http.Request) {
		if telemetry.TraceID(logging.Trace(r.Context())) != telemetry.TraceID(caller) {
			t.Errorf("the anchor is %q", logging.Trace(r.Context()))
		}
		got <- trace.SpanContextFromContext(r.Context())
	})
	sidecar := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Header.Get("traceparent"), "-00") {
			t.Errorf("the sidecar would record: %s", r.Header.Get("traceparent"))
		}
		r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-000000000000abcd-00")
		routes.ServeHTTP(w, r)
	})
	server := httptest.NewServer(sidecar)
	defer server.Close()
	ctx, span := work(telemetry.Under(t.Context(), caller), "request")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/compras/7?texto=ana", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: telemetry.Transport(http.DefaultTransport, "gestor-compra")}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	span.End()
	at := <-got
	if !at.IsSampled() || at.TraceID().String() != telemetry.TraceID(caller) {
		t.Errorf("the server is in %v", at)
	}
	byName := map[string]sdktrace.ReadOnlySpan{}
	for _, s := range sent.Sent() {
		byName[s.Name()] = s
	}
	client, service := byName["GET gestor-compra"], byName["GET /compras/{id}"]
	if client == nil || service == nil || service.Parent().SpanID() != client.SpanContext().SpanID() {
		t.Fatalf("spans: %v", byName)
	}
}

// Sent twice, an anchor is one span; and its id needs nothing but its trace and its key. What is not recorded has none.
func TestAnAnchorIsTheSameSpan(t *testing.T) {
	sent := telemetrytest.Record(t)
	at := time.Date(2026, 11, 26, 10, 0, 0, 123456789, time.Local)
	for range 2 {
		telemetry.Anchor(caller, "one", "ReservarProducto", at)
	}
	own := telemetry.AnchorOf(telemetry.TraceID(caller), "one")
	telemetry.Anchor(own, "two", "below", at)
	telemetry.Anchor("nonsense", "one", "ReservarProducto", at)
	telemetry.Anchor(caller[:len(caller)-1]+"0", "one", "ReservarProducto", at)
	spans := sent.Sent()
	if len(spans) != 3 {
		t.Fatalf("sent: %s", names(spans))
	}
	a, b, below := spans[0], spans[1], spans[2]
	switch {
	case a.SpanContext().SpanID() != b.SpanContext().SpanID() || a.StartTime() != b.StartTime() || a.EndTime() != b.EndTime() || a.StartTime().Nanosecond() != 123456000:
		t.Errorf("%v and %v", a, b)
	case telemetry.Format(a.SpanContext()) != own, own == telemetry.AnchorOf(telemetry.TraceID(caller), "two"), own == telemetry.AnchorOf(telemetry.TraceID(other), "one"):
		t.Errorf("its id is %v", a.SpanContext())
	case a.Parent().SpanID().String() != "b7ad6b7169203331", below.Parent().SpanID() != a.SpanContext().SpanID():
		t.Errorf("parents: %v, %v", a.Parent(), below.Parent())
	case telemetry.AnchorOf("x", "one") != "" || telemetry.Recorded(caller[:len(caller)-1]+"0") != "" || telemetry.Recorded(caller) == "":
		t.Error("something unrecorded has a trace")
	}
}

// A request at the public door begins a trace, with a link to the client's.
func TestAClientDoesNotChooseTheTrace(t *testing.T) {
	for name, c := range map[string]struct {
		header string
		links  int
	}{
		"none": {"", 0}, "valid": {caller, 1}, "not recorded": {caller[:len(caller)-1] + "0", 1}, "nonsense": {"00-\x00-x", 0}, "zeros": {"00-00000000000000000000000000000000-0000000000000000-01", 0},
		"a later version": {"01" + caller[2:] + "-more", 1}, "huge": {strings.Repeat("0", 20_000), 0},
	} {
		t.Run(name, func(t *testing.T) {
			sent := telemetrytest.Record(t)
			routes := mux.NewRouter()
			routes.Use(telemetry.PublicRoutes())
			anchor := ""
			routes.HandleFunc("/api/compras", func(_ http.ResponseWriter, r *http.Request) { anchor = logging.Trace(r.Context()) })
			r := httptest.NewRequest(http.MethodPost, "/api/compras", http.NoBody)
			r.Header.Set("traceparent", c.header)
			r.Header.Set("Accept", "text/event-stream") // a purchase is no stream, whatever its headers say
			r.Header.Set("Upgrade", "websocket")
			routes.ServeHTTP(httptest.NewRecorder(), r)
			spans := sent.Sent()
			if len(spans) != 1 || spans[0].Parent().IsValid() || len(spans[0].Links()) != c.links || !spans[0].SpanContext().IsSampled() {
				t.Fatalf("%v", spans)
			}
			if anchor != telemetry.Format(spans[0].SpanContext()) || telemetry.TraceID(anchor) == telemetry.TraceID(caller) {
				t.Errorf("the anchor is %q", anchor)
			}
		})
	}
}

// While tracing is off, the log lines of a request still have one trace id.
func TestOff(t *testing.T) {
	for name, c := range map[string]struct {
		traced mux.MiddlewareFunc
		same   bool
	}{"public": {telemetry.PublicRoutes(), false}, "inner": {telemetry.Routes(), true}} {
		routes := mux.NewRouter()
		routes.Use(c.traced)
		got := ""
		routes.HandleFunc("/x", func(_ http.ResponseWriter, r *http.Request) { got = logging.Trace(r.Context()) })
		r := httptest.NewRequest(http.MethodGet, "/x", http.NoBody)
		r.Header.Set("traceparent", caller)
		routes.ServeHTTP(httptest.NewRecorder(), r)
		if (got == caller) != c.same || telemetry.TraceID(got) == "" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if telemetry.Queries() != nil {
		t.Error("something is traced")
	}
}

// No attribute of a request or a call has what a person wrote, or who the person is.
func TestNothingPersonal(t *testing.T) {
	sent := telemetrytest.Record(t)
	routes := mux.NewRouter()
	routes.Use(telemetry.PublicRoutes())
	routes.HandleFunc("/api/usuarios/{id}/compras", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Again") != "" {
			return
		}
		call, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://"+r.Host+"/api/usuarios/secreta/compras?texto=secreta", http.NoBody)
		if err != nil {
			t.Error(err)
			return
		}
		call.Header.Set("Again", "1")
		response, err := telemetry.Transport(http.DefaultTransport, "ordenes").RoundTrip(call)
		if err == nil {
			err = response.Body.Close()
		}
		if err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(routes)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/usuarios/secreta/compras?texto=secreta", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "secreta")
	r.Header.Set("X-Forwarded-For", "10.1.2.3")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	server.Close()
	spans := sent.Sent()
	if len(spans) != 3 {
		t.Fatalf("sent: %s", names(spans))
	}
	for _, s := range spans {
		for _, a := range append(s.Attributes(), telemetry.KeyResult.String(s.Name())) {
			if v := a.Value.String(); strings.Contains(v, "secreta") || strings.Contains(v, "10.1.2.3") {
				t.Errorf("%s has %s=%s", s.Name(), a.Key, v)
			}
		}
	}
}

// A collector that does not answer, and one that answers nothing, cost no request: the queue drops what does not fit, and it is
// counted.
func TestACollectorThatIsAwayCostsNothing(t *testing.T) {
	mute, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	for name, address := range map[string]string{"away": "127.0.0.1:9", "mute": mute.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			collector := (&url.URL{Scheme: "http", Host: address}).String()
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
			stop, err := telemetry.Start(t.Context(), "test", "1", collector)
			if err != nil {
				t.Fatal(err)
			}
			// A span that waited for room in the queue would wait for ever: nothing takes spans from it.
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for range 30_000 {
					_, span := work(t.Context(), "request")
					span.End()
				}
				stop()
			}()
			select {
			case <-ended:
			case <-time.After(time.Minute):
				t.Fatal("a span or the stop waits for the collector")
			}
			// The queue keeps 8192. A few exports may have failed and made room meanwhile.
			if c := telemetry.Spans(); c.Ended != 30_000 || c.Sent != 0 || c.Dropped < 15_000 || c.Waiting > 8192 || c.Dropped+c.Failed+c.Waiting != c.Ended {
				t.Errorf("counted: %+v", c)
			}
		})
	}
}
