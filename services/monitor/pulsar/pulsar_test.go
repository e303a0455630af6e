package pulsar_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"entregas/services/monitor/pulsar"
)

func TestBrokerThatAsksForAToken(t *testing.T) {
	broker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer abc" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"subscriptions": {"ordenes": {"msgBacklog": 3, "isDurable": true}}}`))
	}))
	defer broker.Close()
	// The token comes from a mounted file, which often ends with a line end.
	list, err := pulsar.New(broker.URL, "abc\n").Queues(context.Background(), "comandos-orden")
	if err != nil || len(list) != 1 || list[0].Pending != 3 {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := pulsar.New(broker.URL, "").Queues(context.Background(), "comandos-orden"); err == nil {
		t.Error("it answered without a token")
	}
}
