package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/mux"

	"entregas/services/internal/resttest"
	"entregas/services/monitor/colas"
	"entregas/services/monitor/pulsar"
	"entregas/services/monitor/rest"
)

// The operator's page: what is known now, what was known before, and null for what is not known any more.
func TestColas(t *testing.T) {
	servidor := httptest.NewServer(broker{
		"comandos-producto": `{"msgInCounter":7,"subscriptions":{"admin-productos":{"msgBacklog":42,"unackedMessages":2,"earliestMsgPublishTimeInBacklog":1000,"isDurable":true,"consumers":[{}]}}}`,
	})
	historial := colas.NuevoHistorial(pulsar.Nuevo(servidor.URL, ""))
	rutas := mux.NewRouter()
	rest.ServeAPI(rutas, historial, nil)
	type informe struct {
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
	pedir := func() (i informe) {
		t.Helper()
		w := httptest.NewRecorder()
		rutas.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/colas", http.NoBody))
		if err := json.Unmarshal(w.Body.Bytes(), &i); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		return i
	}
	if i := pedir(); i.Broker || len(i.Colas) != 0 {
		t.Errorf("sin haber mirado: %+v", i)
	}
	if err := historial.Mirar(t.Context()); err != nil {
		t.Fatal(err)
	}
	i := pedir()
	if !i.Broker || len(i.Colas) != 1 || *i.Colas[0].Pendientes != 42 || *i.Colas[0].Consumidores != 1 || *i.Colas[0].Edad < 1e6 || i.Colas[0].Entrada != nil {
		t.Errorf("%+v", i)
	}
	servidor.Close()
	if historial.Mirar(t.Context()) == nil {
		t.Error("sin broker no hay error")
	}
	i = pedir()
	if s := i.Colas[0].Serie.Pendientes; i.Broker || i.Colas[0].Pendientes != nil || len(i.Instantes) != 2 || len(s) != 2 || *s[0] != 42 || s[1] != nil {
		t.Errorf("sin broker: %+v", i)
	}
}

func TestServesItsDocument(t *testing.T) {
	routes := mux.NewRouter()
	rest.ServeAPI(routes, nil, nil)
	resttest.Serves(t, routes, "monitor")
}
