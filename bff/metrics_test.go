package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"entregas/bff/identity"
	"entregas/internal/app"
	"entregas/internal/errs"
	"entregas/internal/telemetry"
	"entregas/internal/telemetrytest"
)

// The public port has no metrics. They are on a listener of their own, which has nothing else.
func TestMetricsAreNotPublic(t *testing.T) {
	if err := telemetry.InstallMetrics(); err != nil {
		t.Fatal(err)
	}
	p := newGate(t)
	for _, path := range []string{"/metrics", "//metrics", "/metrics/", "/%6detrics", "/metrics?x"} {
		if r := p.do(t, http.MethodGet, path, ""); r.Code != http.StatusNotFound || strings.Contains(r.Body.String(), "# HELP") {
			t.Errorf("%s: %d %.100s", path, r.Code, r.Body)
		}
	}

	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	go func() { _ = app.Config{Address: "127.0.0.1"}.ServeMetrics(t.Context(), port) }()
	own := "http://127.0.0.1:" + strconv.Itoa(port)
	ask := func(path string) int {
		for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			r, err := http.Get(own + path) //nolint:noctx // of this machine
			if err == nil {
				_ = r.Body.Close()
				return r.StatusCode
			}
			if time.Since(begin) > 10*time.Second {
				t.Fatal(err)
			}
		}
	}
	for path, want := range map[string]int{"/metrics": http.StatusOK, "/": http.StatusNotFound, "/api/compras": http.StatusNotFound, "/healthz": http.StatusNotFound} {
		if got := ask(path); got != want {
			t.Errorf("own port, %s: %d", path, got)
		}
	}
}

// A request for a purchase counts once by what became of it, through whatever interface it comes, also when the answer of GraphQL is 200.
func TestPurchasesAreMeasured(t *testing.T) {
	before := telemetrytest.Scrape(t)
	for _, outcome := range []string{"accepted", "repeated", "refused", "unavailable", "unknown"} {
		if _, found := before[`entregas_purchases_accepted_total{outcome="`+outcome+`"}`]; !found {
			t.Errorf("there is no series of %s from the start", outcome)
		}
	}
	p := newGate(t)
	ana := p.as(t, "ana", identity.Cliente)
	const buy = `{"id":"01938f5e-7c1a-7000-8000-00000000c0de","productos":[{"id_producto":"1","cantidad":%d}]}`
	const comprar = `mutation{comprar(compra:{productos:[{idProducto:"1",cantidad:1}]}){id}}`
	for range 2 {
		p.do(t, http.MethodPost, "/api/compras", fmt.Sprintf(buy, 1), ana...)
	}
	p.do(t, http.MethodPost, "/api/compras", fmt.Sprintf(buy, 0), ana...)
	p.do(t, http.MethodPost, "/api/compras", `{"productos":`, ana...) // no request for a purchase
	p.graphql(t, comprar, ana...)
	p.v1(t, mutation("ana", "1:1", "True"))
	const doubtful = `{"id":"01938f5e-7c1a-7000-8000-00000000c0df","productos":[{"id_producto":"1","cantidad":1}]}`
	silent := errs.New(errs.Unavailable, "no answer")
	p.manager.Respond(silent)
	p.broker.Fail(silent)
	p.do(t, http.MethodPost, "/api/compras", doubtful, ana...) // of unknown outcome; the next one is the first acceptance
	p.manager.Respond(nil)
	p.do(t, http.MethodPost, "/api/compras", doubtful, ana...)
	p.manager.GoDown()
	p.broker.Fail(grpcstatus.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: dial tcp"`))
	if r := p.graphql(t, comprar, ana...); len(r.Errors) != 1 {
		t.Errorf("without gestor-compra and broker: %+v", r)
	}
	got := telemetrytest.Scrape(t)
	for series, want := range map[string]float64{
		`entregas_purchases_accepted_total{outcome="accepted"}`:                                    3,
		`entregas_purchases_accepted_total{outcome="repeated"}`:                                    2,
		`entregas_acceptance_duration_seconds_count{interface="rest",outcome="unknown"}`:           1,
		`entregas_purchases_accepted_total{outcome="refused"}`:                                     1,
		`entregas_acceptance_duration_seconds_count{interface="rest",outcome="accepted"}`:          1,
		`entregas_acceptance_duration_seconds_count{interface="graphql",outcome="accepted"}`:       1,
		`entregas_acceptance_duration_seconds_bucket{interface="v1",outcome="accepted",le="+Inf"}`: 1,
	} {
		if got[series]-before[series] != want {
			t.Errorf("%s grew by %v, not %v", series, got[series]-before[series], want)
		}
	}
	lost := 0.0
	for _, outcome := range []string{"unavailable", "unknown"} {
		series := `entregas_acceptance_duration_seconds_count{interface="graphql",outcome="` + outcome + `"}`
		lost += got[series] - before[series]
	}
	if lost != 1 {
		t.Errorf("%v mutations were lost, not 1: %v", lost, got.Series("entregas_acceptance_duration_seconds_count"))
	}
}

// The live connections are those that are open now, by their kind.
func TestLiveConnectionsAreCounted(t *testing.T) {
	telemetrytest.Scrape(t)
	p := newGate(t)
	baseURL := p.served(t)
	expect := func(kind string, want float64) {
		t.Helper()
		series := `entregas_live_connections{kind="` + kind + `"}`
		for begun := time.Now(); telemetrytest.Scrape(t)[series] != want; time.Sleep(5 * time.Millisecond) {
			if time.Since(begun) > 10*time.Second {
				t.Fatalf("%s is %v, not %v", series, telemetrytest.Scrape(t)[series], want)
			}
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, baseURL+"/stream", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	socket := connect(t, baseURL)
	expect("sse", 1)
	expect("websocket", 1)
	expect("graphql-sse", 0)
	leave()
	_ = socket.CloseNow()
	expect("sse", 0)
	expect("websocket", 0)
}
