// Package rest tells the queues as Prometheus metrics.
package rest

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"entregas/services/monitor/colas"
)

// Broker is what the metrics ask of the broker.
type Broker interface {
	Colas(ctx context.Context, tema string) ([]colas.Cola, error)
}

// Servir adds the route GET /metrics.
func Servir(rutas *mux.Router, broker Broker) {
	registro := prometheus.NewRegistry()
	registro.MustRegister(&lectura{broker})
	rutas.Handle("/metrics", promhttp.HandlerFor(registro, promhttp.HandlerOpts{})).Methods(http.MethodGet)
}

var (
	arriba = prometheus.NewDesc("entregas_pulsar_up",
		"1 when the broker answered for every topic just now. When it is 0, the series of topics that it did not answer for are absent.", nil, nil)
	pendientes = prometheus.NewDesc("entregas_pending_messages",
		"Messages that the subscription has not acknowledged.", []string{"topic", "subscription"}, nil)
	entregadas = prometheus.NewDesc("entregas_unacked_messages",
		"Messages that were delivered to a consumer of the subscription and not acknowledged.", []string{"topic", "subscription"}, nil)
	consumidores = prometheus.NewDesc("entregas_consumers",
		"Consumers connected to the subscription.", []string{"topic", "subscription"}, nil)
	apartados = prometheus.NewDesc("entregas_dead_letters",
		"Dead letters of the topic that nobody has put back or discarded.", []string{"topic"}, nil)
)

// compatible is the name under which the earlier system gave a topic's pending messages; its scalers ask for it.
func compatible(tema string) *prometheus.Desc {
	nombre := "pending_messages_persistent_public_default_" + strings.ReplaceAll(tema, "-", "_")
	return prometheus.NewDesc(nombre, "Pending messages of persistent://public/default/"+tema+".", nil, nil)
}

// lectura reads the broker anew for each scrape and keeps nothing: a number that is told is a number of now, and a
// broker that is down is told as that, not as the queue it had.
type lectura struct{ broker Broker }

// plazo is below the 10 s that Prometheus waits by default.
const plazo = 3 * time.Second

// Describe implements prometheus.Collector.
func (l *lectura) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{arriba, pendientes, entregadas, consumidores, apartados} {
		ch <- d
	}
	for _, tema := range colas.Temas() {
		ch <- compatible(tema)
	}
}

// Collect implements prometheus.Collector.
func (l *lectura) Collect(ch chan<- prometheus.Metric) {
	ctx, soltar := context.WithTimeout(context.Background(), plazo)
	defer soltar()
	temas := colas.Temas()
	fallos := make([]error, len(temas))
	var grupo sync.WaitGroup
	for i, tema := range temas {
		grupo.Go(func() {
			lista, err := l.broker.Colas(ctx, tema)
			if fallos[i] = err; err == nil {
				contar(ch, tema, lista)
			}
		})
	}
	grupo.Wait()
	todos := 1.0
	for _, err := range fallos {
		if err != nil {
			slog.Warn("el broker no responde", "error", err)
			todos = 0
			break
		}
	}
	ch <- prometheus.MustNewConstMetric(arriba, prometheus.GaugeValue, todos)
}

func contar(ch chan<- prometheus.Metric, tema string, lista []colas.Cola) {
	medir := func(d *prometheus.Desc, valor float64, etiquetas ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, valor, etiquetas...)
	}
	for _, c := range lista {
		medir(pendientes, float64(c.Pendientes), tema, c.Suscripcion)
		medir(entregadas, float64(c.Entregadas), tema, c.Suscripcion)
		medir(consumidores, float64(c.Replicas), tema, c.Suscripcion)
	}
	total := float64(colas.Pendientes(lista))
	medir(compatible(tema), total)
	if origen, si := colas.EsDeMuertos(tema); si {
		medir(apartados, total, origen)
	}
}
