package main

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"entregas/internal/app"
	"entregas/internal/telemetry"
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
