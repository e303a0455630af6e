package telemetry_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"entregas/internal/telemetry"
	"entregas/internal/telemetrytest"
)

// program has the routes of a program, and counts no more than they do.
func program() http.Handler {
	routes := mux.NewRouter().UseEncodedPath().SkipClean(true)
	routes.NotFoundHandler = telemetry.Unmatched(http.NotFoundHandler())
	routes.MethodNotAllowedHandler = telemetry.Unmatched(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) }))
	routes.Use(telemetry.PublicRoutes())
	ok := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }
	for _, path := range []string{"/compras/{id}", "/healthz", "/metrics", "/mensajes/eventos"} {
		routes.HandleFunc(path, ok).Methods(http.MethodPost, http.MethodGet)
	}
	return routes
}

// Requests are counted while nothing is traced. Whatever a client sends, the number of series is that of the routes.
func TestRequestsAreCountedByRoute(t *testing.T) {
	served := telemetrytest.Scrape(t)
	before := len(served.Series("http_server_request_duration_seconds_count"))
	routes := program()
	for i := range 300 {
		for _, method := range []string{http.MethodPost, fmt.Sprintf("X%d", i), "get"} {
			r := httptest.NewRequest(method, "/x", http.NoBody)
			r.URL.Path = fmt.Sprintf("/compras/ana-%d%%2F\u00e9\n", i)
			if method == "get" {
				r.URL.Path = fmt.Sprintf("/%d/../etc", i)
			}
			r.URL.RawPath, r.Host = "", fmt.Sprintf("host-%d.example:%d", i, i)
			r.Header.Set("X-Forwarded-Proto", fmt.Sprint("p", i))
			r.Proto = fmt.Sprintf("HTTP/1.%d", i)
			routes.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	for _, path := range []string{"/healthz", "/metrics", "/mensajes/eventos"} { // probes have no metrics, and messages their own
		routes.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, http.NoBody))
	}
	served = telemetrytest.Scrape(t)
	for labels, want := range map[string]float64{
		`http_request_method="POST",http_response_status_code="202",http_route="/compras/{id}"`: 300,
		`http_request_method="_OTHER",http_response_status_code="405",http_route="unmatched"`:   300,
		`http_request_method="GET",http_response_status_code="404",http_route="unmatched"`:      300,
	} {
		if got := served[`http_server_request_duration_seconds_count{`+labels+`}`]; got != want {
			t.Errorf("%s: %v, not %v", labels, got, want)
		}
	}
	if got := served.Series("http_server_request_duration_seconds_count"); len(got) != before+3 {
		t.Errorf("%d series: %v", len(got), got)
	}
	for _, bound := range []string{"0.3", "5"} {
		if len(served.Series(`http_server_request_duration_seconds_bucket{http_request_method="POST",http_response_status_code="202",http_route="/compras/{id}",le="`+bound+`"}`)) != 1 {
			t.Errorf("no bucket ends at %s s, the bound of an objective", bound)
		}
	}
}

// While a request is traced, the histogram points at its trace, and at nothing that the client sent besides.
func TestAHistogramPointsAtATrace(t *testing.T) {
	sent := telemetrytest.Record(t)
	r := httptest.NewRequest(http.MethodPost, "/compras/exemplar", http.NoBody)
	r.Host = "secreto.example"
	program().ServeHTTP(httptest.NewRecorder(), r)
	id := sent.Sent()[0].SpanContext().TraceID().String()
	text := telemetrytest.ScrapeText(t, "application/openmetrics-text")
	if !strings.Contains(text, `trace_id="`+id+`"`) || strings.Contains(text, "secreto") || !strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("no exemplar of %s in\n%s", id, text)
	}
}

type broken struct{}

func (broken) Describe(chan<- *prometheus.Desc) {}

func (broken) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.NewInvalidMetric(prometheus.NewDesc("broken", "-", nil, nil), errors.New("broken"))
}

// A collector that fails takes no other metric with it. All names keep the conventions of Prometheus.
func TestAScrapeSurvivesABrokenCollector(t *testing.T) {
	telemetry.Handled(t.Context(), "comandos-orden", telemetry.Dead, time.Now())
	telemetry.Activity(t.Context(), "Ask", time.Now(), errors.New("x"))
	telemetry.Registry().MustRegister(broken{})
	defer telemetry.Registry().Unregister(broken{})
	text := telemetrytest.ScrapeText(t, "text/plain")
	for _, want := range []string{"go_goroutines ", "process_resident_memory_bytes ", "entregas_spans_failed_total ", `entregas_message_duration_seconds_count{outcome="dead",topic="comandos-orden"} 1`, `entregas_activity_duration_seconds_count{activity="Ask",outcome="error"} 1`} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", err, problems)
	}
}

// A reconciler counts what it found, and dates the last round without an error: a failed round leaves the date as it was.
func TestRoundsOfAReconciler(t *testing.T) {
	telemetrytest.Scrape(t)
	const found, last = `entregas_reconciler_findings_total{reconciler="test"}`, `entregas_reconciler_last_success_timestamp_seconds{reconciler="test"}`
	telemetry.Reconciled(t.Context(), "test", 2, errors.New("the third could not be put right"))
	got := telemetrytest.Scrape(t)
	if _, dated := got[last]; dated || got[found] != 2 {
		t.Errorf("after a failed round: found %v, dated %v", got[found], dated)
	}
	begun := float64(time.Now().Unix())
	telemetry.Reconciled(t.Context(), "test", 0, nil)
	telemetry.Reconciled(t.Context(), "test", 1, errors.New("x"))
	if got = telemetrytest.Scrape(t); got[found] != 3 || got[last] < begun || got[last] > begun+60 {
		t.Errorf("found %v, last success %v of %v", got[found], got[last], begun)
	}
}

var (
	counted = telemetry.CounterOf("entregas_test_things", "-", "kind", "one", "two")
	open    = telemetry.OpenOf("entregas_test_open", "-", "kind", "one")
)

// A counter with known labels is served from the start, so that a query sees its first increase.
func TestKnownSeriesAreServedFromTheStart(t *testing.T) {
	got := telemetrytest.Scrape(t)
	for _, series := range []string{`entregas_test_things_total{kind="one"}`, `entregas_test_things_total{kind="two"}`, `entregas_test_open{kind="one"}`} {
		if v, found := got[series]; !found || v != 0 {
			t.Errorf("%s: %v %v", series, v, found)
		}
	}
	one := metric.WithAttributes(attribute.String("kind", "one"))
	counted.Add(t.Context(), 2, one)
	open.Add(t.Context(), 3, one)
	open.Add(t.Context(), -1, one)
	if got = telemetrytest.Scrape(t); got[`entregas_test_things_total{kind="one"}`] != 2 || got[`entregas_test_open{kind="one"}`] != 2 {
		t.Errorf("%v", got.Series("entregas_test_"))
	}
}
