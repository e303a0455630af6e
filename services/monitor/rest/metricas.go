// Package rest tells the queues as Prometheus metrics.
package rest

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"entregas/services/monitor/colas"
)

// Ritmos tells how fast a queue fills and empties.
type Ritmos interface {
	Ritmo(tema, suscripcion string) (colas.Ritmo, bool)
}

// Undecodables tells the messages that no sidecar can hand to its program.
type Undecodables interface {
	Undecodable(f func(tema, suscripcion string, n int))
}

// Servir adds the route GET /metrics.
func Servir(rutas *mux.Router, broker colas.Broker, ritmos Ritmos, undecodables Undecodables) {
	registro := prometheus.NewRegistry()
	registro.MustRegister(&lectura{broker, ritmos, undecodables})
	rutas.Handle("/metrics", promhttp.HandlerFor(registro, promhttp.HandlerOpts{})).Methods(http.MethodGet)
}

var deCola = []string{"topic", "subscription"}

var (
	arriba = prometheus.NewDesc("entregas_pulsar_up",
		"1 when the broker answered for every topic just now. When it is 0, the series of topics that it did not answer for are absent.", nil, nil)
	pendientes = prometheus.NewDesc("entregas_pending_messages",
		"Messages that the subscription has not acknowledged.", deCola, nil)
	entregadas = prometheus.NewDesc("entregas_unacked_messages",
		"Messages that were delivered to a consumer of the subscription and not acknowledged.", deCola, nil)
	consumidores = prometheus.NewDesc("entregas_consumers",
		"Consumers connected to the subscription.", deCola, nil)
	edad = prometheus.NewDesc("entregas_oldest_pending_age_seconds",
		"How long the oldest message that the subscription has not acknowledged has waited; 0 when nothing waits.", deCola, nil)
	entrada = prometheus.NewDesc("entregas_messages_in_per_second",
		"Messages published on the topic, a second, over the last half minute.", deCola, nil)
	salida = prometheus.NewDesc("entregas_messages_out_per_second",
		"Messages that the subscription acknowledged, a second, over the last half minute.", deCola, nil)
	paraVaciar = prometheus.NewDesc("entregas_drain_seconds",
		"How long until nothing waits, at the present rates; absent while the queue does not get shorter.", deCola, nil)
	undecodable = prometheus.NewDesc("entregas_undecodable_messages",
		"Messages that no sidecar can hand to the subscription's programs, so that they are delivered again and again until an operator sets them aside; as of a few seconds ago.", deCola, nil)
	apartados = prometheus.NewDesc("entregas_dead_letters",
		"Dead letters of the topic that nobody has put back or discarded.", []string{"topic"}, nil)
)

// compatible is the name under which the earlier system gave a topic's pending messages; its scalers ask for it.
func compatible(tema string) *prometheus.Desc {
	nombre := "pending_messages_persistent_public_default_" + strings.ReplaceAll(tema, "-", "_")
	return prometheus.NewDesc(nombre, "Pending messages of persistent://public/default/"+tema+".", nil, nil)
}

// lectura reads the broker anew for each scrape: a number that is told is a number of now, and a broker that is down is
// told as that, not as the queue it had. Only rates need a past.
type lectura struct {
	broker       colas.Broker
	ritmos       Ritmos
	undecodables Undecodables
}

// plazo bounds the question to the broker behind /metrics: it is below the 10 s that Prometheus waits by default.
const plazo = 3 * time.Second

// Describe implements prometheus.Collector.
func (l *lectura) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{arriba, pendientes, entregadas, consumidores, edad, entrada, salida, paraVaciar, undecodable, apartados} {
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
	todas, err := colas.Leer(ctx, l.broker)
	todos := 1.0
	if err != nil {
		slog.Warn("el broker no responde", "error", err)
		todos = 0
	}
	ch <- prometheus.MustNewConstMetric(arriba, prometheus.GaugeValue, todos)
	for tema, lista := range todas {
		l.contar(ch, tema, lista)
	}
	l.undecodables.Undecodable(func(tema, suscripcion string, n int) {
		ch <- prometheus.MustNewConstMetric(undecodable, prometheus.GaugeValue, float64(n), tema, suscripcion)
	})
}

func (l *lectura) contar(ch chan<- prometheus.Metric, tema string, lista []colas.Cola) {
	medir := func(d *prometheus.Desc, valor float64, etiquetas ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, valor, etiquetas...)
	}
	for _, c := range lista {
		medir(pendientes, float64(c.Pendientes), tema, c.Suscripcion)
		medir(entregadas, float64(c.Entregadas), tema, c.Suscripcion)
		medir(consumidores, float64(c.Replicas), tema, c.Suscripcion)
		medir(edad, c.Edad(time.Now()).Seconds(), tema, c.Suscripcion)
		if r, hay := l.ritmos.Ritmo(tema, c.Suscripcion); hay {
			medir(entrada, r.Entrada, tema, c.Suscripcion)
			medir(salida, r.Salida, tema, c.Suscripcion)
			if falta, vacia := r.ParaVaciar(c.Pendientes); vacia {
				medir(paraVaciar, falta.Seconds(), tema, c.Suscripcion)
			}
		}
	}
	total := float64(colas.Pendientes(lista))
	medir(compatible(tema), total)
	if origen, si := colas.EsDeMuertos(tema); si {
		medir(apartados, total, origen)
	}
}
