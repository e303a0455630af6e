package rest_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"entregas/services/monitor/pulsar"
	"entregas/services/monitor/queues"
	"entregas/services/monitor/rest"
)

// broker answers as the administrative interface of Pulsar does: statistics for the topics that it has, 404 for other topics.
type broker map[string]string

func (b broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	topic, _ := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/admin/v2/persistent/public/default/"), "/stats")
	text, found := b[topic]
	switch {
	case !found:
		http.Error(w, `{"reason":"Topic not found"}`, http.StatusNotFound)
	case text == "":
		http.Error(w, "", http.StatusInternalServerError)
	default:
		_, _ = fmt.Fprint(w, text)
	}
}

// faulty is a queue of admin-productos in which one message cannot be read.
type faulty struct{}

func (faulty) Undecodable(f func(topic, subscription string, n int)) {
	f("comandos-producto", "admin-productos", 1)
}

// measure scrapes the metrics once.
func measure(t *testing.T, address string) map[string]string {
	t.Helper()
	broker := pulsar.New(address, "")
	registry := prometheus.NewRegistry()
	registry.MustRegister(rest.NewMetrics(broker, queues.NewHistory(broker), faulty{}))
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	series := map[string]string{}
	for lineas := bufio.NewScanner(w.Body); lineas.Scan(); {
		if name, value, ok := strings.Cut(lineas.Text(), " "); ok && name != "#" {
			series[name] = value
		}
	}
	return series
}

const inherited = "pending_messages_persistent_public_default_"

func TestMetrics(t *testing.T) {
	pulsar := httptest.NewServer(broker{
		"comandos-producto":  `{"subscriptions":{"admin-productos":{"msgBacklog":42,"earliestMsgPublishTimeInBacklog":1000,"unackedMessages":16,"isDurable":true,"consumers":[{},{}]}}}`,
		"eventos-compra":     `{"subscriptions":{"bff":{"msgBacklog":5,"isDurable":true,"consumers":[]},"uuid":{"msgBacklog":9,"isDurable":false,"consumers":[{}]}}}`,
		"comandos-orden-dlq": fmt.Sprintf(`{"subscriptions":{"operador":{"msgBacklog":3,"earliestMsgPublishTimeInBacklog":%d,"isDurable":true,"consumers":[]}}}`, time.Now().Add(-20*time.Minute).UnixMilli()),
	})
	defer pulsar.Close()
	series := measure(t, pulsar.URL+"/")
	for name, value := range map[string]string{
		"entregas_pulsar_up":              "1",
		inherited + "comandos_producto":   "42",
		inherited + "eventos_compra":      "5",
		inherited + "comandos_inventario": "0", // the topic does not exist, so no message is pending
		`entregas_pending_messages{subscription="admin-productos",topic="comandos-producto"}`:     "42",
		`entregas_unacked_messages{subscription="admin-productos",topic="comandos-producto"}`:     "16",
		`entregas_consumers{subscription="admin-productos",topic="comandos-producto"}`:            "2",
		`entregas_pending_messages{subscription="uuid",topic="eventos-compra"}`:                   "9",
		`entregas_undecodable_messages{subscription="admin-productos",topic="comandos-producto"}`: "1",
		`entregas_dead_letters{topic="comandos-orden"}`:                                           "3",
		`entregas_dead_letters{topic="comandos-producto"}`:                                        "0",
		`entregas_oldest_dead_letter_seconds{topic="comandos-producto"}`:                          "0",
		`entregas_oldest_pending_age_seconds{subscription="bff",topic="eventos-compra"}`:          "0",
	} {
		if series[name] != value {
			t.Errorf("%s is %q, want %q", name, series[name], value)
		}
	}
	if age, err := strconv.ParseFloat(series[`entregas_oldest_dead_letter_seconds{topic="comandos-orden"}`], 64); err != nil || age < 1200 || age > 1260 {
		t.Errorf("the oldest dead letter is %v s old: %v", age, err)
	}
}

// A broker that takes connections and does not answer is down too, and the scrape ends within its limit.
func TestABrokerThatHangs(t *testing.T) {
	release := make(chan struct{})
	mute := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer mute.Close()
	defer close(release)
	begun := time.Now()
	series := measure(t, mute.URL)
	if took := time.Since(begun); series["entregas_pulsar_up"] != "0" || len(series) != 2 || took > 8*time.Second {
		t.Errorf("after %s: %v", took, series)
	}
}

// A number that the broker does not give is left out of the metrics. It is neither 0 nor the last known number.
func TestWhatTheBrokerDoesNotSayIsNotCounted(t *testing.T) {
	partial := httptest.NewServer(broker{"comandos-producto": "", "comandos-orden": `{"subscriptions":{}}`})
	defer partial.Close()
	series := measure(t, partial.URL)
	if _, found := series[inherited+"comandos_producto"]; found || series["entregas_pulsar_up"] != "0" || series[inherited+"comandos_orden"] != "0" {
		t.Errorf("%v", series)
	}
	partial.Close()
	series = measure(t, partial.URL)
	if series["entregas_pulsar_up"] != "0" || len(series) != 2 {
		t.Errorf("without a broker: %v", series)
	}
}
