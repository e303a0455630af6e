package telemetry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"entregas/internal/logging"
	"entregas/internal/telemetry"
)

type answers struct{}

func (answers) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// BenchmarkOff measures what each instrumented piece of work costs while tracing is off, beside the same without instrumentation where there
// is one.
func BenchmarkOff(b *testing.B) {
	if err := telemetry.InstallMetrics(); err != nil {
		b.Fatal(err)
	}
	done := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	serve := func(middleware ...mux.MiddlewareFunc) func() {
		routes := mux.NewRouter()
		routes.Use(middleware...)
		routes.Handle("/compras/{id}", done)
		r := httptest.NewRequest(http.MethodGet, "/compras/7", http.NoBody)
		r.Header.Set("traceparent", caller[:len(caller)-1]+"0")
		return func() { routes.ServeHTTP(httptest.NewRecorder(), r) }
	}
	ctx := logging.WithTrace(context.Background(), caller[:len(caller)-1]+"0")
	call := func(transport http.RoundTripper) func() {
		r := httptest.NewRequest(http.MethodGet, "/compras/7", http.NoBody).WithContext(ctx)
		return func() {
			if response, err := transport.RoundTrip(r); err == nil {
				_ = response.Body.Close()
			}
		}
	}
	for _, c := range []struct {
		name string
		work func()
	}{
		{"request", serve(telemetry.Routes())}, {"request without", serve()},
		{"call", call(telemetry.Transport(answers{}, "ordenes"))}, {"call without", call(answers{})},
		{"publication", func() {
			_, span := telemetry.Publication(telemetry.Under(ctx, caller), "comandos-orden", "CrearOrden", "7")
			telemetry.Fail(span, nil)
			span.End()
		}},
		{"message", func() {
			_, span := telemetry.Handling(ctx, caller, "comandos-orden", "CrearOrden", "7", "8")
			telemetry.Fail(span, nil)
			span.End()
			telemetry.Handled(ctx, "comandos-orden", telemetry.Done, time.Now())
		}},
		{"activity", func() { telemetry.Activity(ctx, "Ask", time.Now(), nil) }},
		{"anchor", func() { telemetry.Anchor(caller, "7/CrearOrden", "CrearOrden", time.Now()) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.work()
			}
		})
	}
}
