package dapr_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"entregas/bff/dapr"
	"entregas/contracts"
)

// The bff tells a service that lacks something from one that does not answer. All callers together cause one look.
func TestHealthOfTheServices(t *testing.T) {
	var looks atomic.Int32
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Dapr-Api-Token") != "secret" {
			t.Errorf("%s without the token", r.URL.Path)
		}
		switch looks.Add(1); r.URL.Path {
		case "/v1.0/healthz/outbound":
			w.WriteHeader(http.StatusNoContent)
		case "/v1.0/invoke/well/method/readyz":
		case "/v1.0/invoke/poor/method/readyz":
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		case "/v1.0/invoke/away/method/readyz":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"errorCode":"ERR_DIRECT_INVOKE"}`+strings.Repeat("x", 1000))
		default:
			t.Errorf("%s was asked", r.URL.Path)
		}
	}))
	defer sidecar.Close()
	_, port, err := net.SplitHostPort(sidecar.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	h := dapr.Health{Own: "bff"}
	for _, app := range []string{"well", "poor", "away"} {
		h.Services = append(h.Services, dapr.NewService(app, port, "secret"))
	}
	want := []contracts.SaludDeServicio{{Servicio: "bff", Estado: contracts.Listo}, {Servicio: "well", Estado: contracts.Listo},
		{Servicio: "poor", Estado: contracts.NoListo, Detalle: "the database does not answer"}, {Servicio: "away", Estado: contracts.SinRespuesta}}
	for range 3 {
		got := slices.Clone(h.Salud(t.Context()))
		if detail := got[3].Detalle; !strings.HasPrefix(detail, `500 {"errorCode":"ERR_DIRECT_INVOKE"}`) || len(detail) > 400 {
			t.Errorf("the cause is %q", detail)
		}
		if got[3].Detalle = ""; !slices.Equal(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if n := looks.Load(); n != 4 {
		t.Errorf("%d looks, want 4", n)
	}

	gone := dapr.Health{Own: "bff", Services: []*dapr.Service{dapr.NewService("well", "1", "")}}
	for i, one := range gone.Salud(t.Context()) {
		if want := []contracts.EstadoDeSalud{contracts.NoListo, contracts.SinRespuesta}[i]; one.Estado != want || !strings.Contains(one.Detalle, "connect") || strings.Contains(one.Detalle, "http") {
			t.Errorf("without a sidecar: %+v", one)
		}
	}
}
