package pulsar_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"entregas/services/monitor/pulsar"
)

func TestUnBrokerQuePideToken(t *testing.T) {
	broker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer abc" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"subscriptions": {"ordenes": {"msgBacklog": 3, "isDurable": true}}}`))
	}))
	defer broker.Close()
	// A mounted file ends with a line end more often than not.
	lista, err := pulsar.Nuevo(broker.URL, "abc\n").Colas(context.Background(), "comandos-orden")
	if err != nil || len(lista) != 1 || lista[0].Pendientes != 3 {
		t.Errorf("%v, %v", lista, err)
	}
	if _, err := pulsar.Nuevo(broker.URL, "").Colas(context.Background(), "comandos-orden"); err == nil {
		t.Error("sin token contestó")
	}
}
