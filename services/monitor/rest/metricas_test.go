package rest_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"entregas/services/monitor/colas"
	"entregas/services/monitor/pulsar"
	"entregas/services/monitor/rest"
)

// broker answers as Pulsar's administrative interface does: statistics by topic, 404 for the others.
type broker map[string]string

func (b broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tema, _ := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/admin/v2/persistent/public/default/"), "/stats")
	texto, hay := b[tema]
	switch {
	case !hay:
		http.Error(w, `{"reason":"Topic not found"}`, http.StatusNotFound)
	case texto == "":
		http.Error(w, "", http.StatusInternalServerError)
	default:
		_, _ = fmt.Fprint(w, texto)
	}
}

// faulty is a queue of admin-productos in which one message cannot be read.
type faulty struct{}

func (faulty) Undecodable(f func(tema, suscripcion string, n int)) {
	f("comandos-producto", "admin-productos", 1)
}

// medir scrapes the metrics once.
func medir(t *testing.T, direccion string) map[string]string {
	t.Helper()
	rutas := mux.NewRouter()
	broker := pulsar.Nuevo(direccion, "")
	rest.Servir(rutas, broker, colas.NuevoHistorial(broker), faulty{})
	w := httptest.NewRecorder()
	rutas.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	series := map[string]string{}
	for lineas := bufio.NewScanner(w.Body); lineas.Scan(); {
		if nombre, valor, ok := strings.Cut(lineas.Text(), " "); ok && nombre != "#" {
			series[nombre] = valor
		}
	}
	return series
}

const heredada = "pending_messages_persistent_public_default_"

func TestMetricas(t *testing.T) {
	pulsar := httptest.NewServer(broker{
		"comandos-producto":  `{"subscriptions":{"admin-productos":{"msgBacklog":42,"earliestMsgPublishTimeInBacklog":1000,"unackedMessages":16,"isDurable":true,"consumers":[{},{}]}}}`,
		"eventos-compra":     `{"subscriptions":{"bff":{"msgBacklog":5,"isDurable":true,"consumers":[]},"uuid":{"msgBacklog":9,"isDurable":false,"consumers":[{}]}}}`,
		"comandos-orden-dlq": `{"subscriptions":{"operador":{"msgBacklog":3,"isDurable":true,"consumers":[]}}}`,
	})
	defer pulsar.Close()
	series := medir(t, pulsar.URL+"/")
	for nombre, valor := range map[string]string{
		"entregas_pulsar_up":             "1",
		heredada + "comandos_producto":   "42",
		heredada + "eventos_compra":      "5",
		heredada + "comandos_inventario": "0", // no such topic: nothing waits in it
		`entregas_pending_messages{subscription="admin-productos",topic="comandos-producto"}`:     "42",
		`entregas_unacked_messages{subscription="admin-productos",topic="comandos-producto"}`:     "16",
		`entregas_consumers{subscription="admin-productos",topic="comandos-producto"}`:            "2",
		`entregas_pending_messages{subscription="uuid",topic="eventos-compra"}`:                   "9",
		`entregas_undecodable_messages{subscription="admin-productos",topic="comandos-producto"}`: "1",
		`entregas_dead_letters{topic="comandos-orden"}`:                                           "3",
		`entregas_dead_letters{topic="comandos-producto"}`:                                        "0",
		`entregas_oldest_pending_age_seconds{subscription="bff",topic="eventos-compra"}`:          "0",
	} {
		if series[nombre] != valor {
			t.Errorf("%s es %q, se esperaba %q", nombre, series[nombre], valor)
		}
	}
}

// What the broker does not say is not told: neither 0 nor the number of before.
func TestLoQueElBrokerNoDiceNoSeCuenta(t *testing.T) {
	aMedias := httptest.NewServer(broker{"comandos-producto": "", "comandos-orden": `{"subscriptions":{}}`})
	defer aMedias.Close()
	series := medir(t, aMedias.URL)
	if _, hay := series[heredada+"comandos_producto"]; hay || series["entregas_pulsar_up"] != "0" || series[heredada+"comandos_orden"] != "0" {
		t.Errorf("%v", series)
	}
	aMedias.Close()
	series = medir(t, aMedias.URL)
	if series["entregas_pulsar_up"] != "0" || len(series) != 2 {
		t.Errorf("sin broker: %v", series)
	}
}
