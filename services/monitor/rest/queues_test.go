package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/mux"

	"entregas/internal/resttest"
	"entregas/services/monitor/pulsar"
	"entregas/services/monitor/queues"
	"entregas/services/monitor/rest"
)

// The report for the page of the operator has the present values, the past ones, and null for values that are unknown.
func TestQueues(t *testing.T) {
	server := httptest.NewServer(broker{
		"comandos-producto": `{"msgInCounter":7,"subscriptions":{"admin-productos":{"msgBacklog":42,"unackedMessages":2,"earliestMsgPublishTimeInBacklog":1000,"isDurable":true,"consumers":[{}]}}}`,
	})
	history := queues.NewHistory(pulsar.New(server.URL, ""))
	routes := mux.NewRouter()
	rest.ServeAPI(routes, history, nil, nil)
	type report struct {
		Broker bool
		Colas  []struct {
			Tema         string
			Pendientes   *int
			Consumidores *int
			Edad         *float64 `json:"edad_segundos"`
			Entrada      *float64 `json:"entrada_por_segundo"`
			Serie        struct{ Pendientes []*int }
		}
		Instantes []string
	}
	ask := func() (i report) {
		t.Helper()
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/colas", http.NoBody))
		if err := json.Unmarshal(w.Body.Bytes(), &i); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		return i
	}
	if i := ask(); i.Broker || len(i.Colas) != 0 {
		t.Errorf("before the first look: %+v", i)
	}
	if err := history.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	i := ask()
	if !i.Broker || len(i.Colas) != 1 || *i.Colas[0].Pendientes != 42 || *i.Colas[0].Consumidores != 1 || *i.Colas[0].Edad < 1e6 || i.Colas[0].Entrada != nil {
		t.Errorf("%+v", i)
	}
	server.Close()
	if history.Look(t.Context()) == nil {
		t.Error("without a broker there is no error")
	}
	i = ask()
	if s := i.Colas[0].Serie.Pendientes; i.Broker || i.Colas[0].Pendientes != nil || len(i.Instantes) != 2 || len(s) != 2 || *s[0] != 42 || s[1] != nil {
		t.Errorf("without a broker: %+v", i)
	}
}

func TestServesItsDocument(t *testing.T) {
	routes := mux.NewRouter()
	rest.ServeAPI(routes, nil, nil, nil)
	resttest.Serves(t, routes, "monitor")
}
