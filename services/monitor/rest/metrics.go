// Package rest serves contracts/openapi/monitor.yaml, and the queues as Prometheus metrics.
package rest

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"entregas/services/monitor/queues"
)

// Paces measures how fast a queue fills and empties.
type Paces interface {
	Pace(topic, subscription string) (queues.Pace, bool)
}

// Undecodables counts the messages that no sidecar can deliver to its program.
type Undecodables interface {
	Undecodable(f func(topic, subscription string, n int))
}

// NewMetrics returns a collector of the metrics of the queues.
func NewMetrics(broker queues.Broker, paces Paces, undecodables Undecodables) prometheus.Collector {
	return &reading{broker, paces, undecodables}
}

var queueLabels = []string{"topic", "subscription"}

var (
	up = prometheus.NewDesc("entregas_pulsar_up",
		"1 when the broker answered for every topic just now. When it is 0, the series of topics that it did not answer for are absent.", nil, nil)
	pending = prometheus.NewDesc("entregas_pending_messages",
		"Messages that the subscription has not acknowledged.", queueLabels, nil)
	delivered = prometheus.NewDesc("entregas_unacked_messages",
		"Messages that were delivered to a consumer of the subscription and not acknowledged.", queueLabels, nil)
	consumersDesc = prometheus.NewDesc("entregas_consumers",
		"Consumers connected to the subscription.", queueLabels, nil)
	age = prometheus.NewDesc("entregas_oldest_pending_age_seconds",
		"How long the oldest message that the subscription has not acknowledged has waited; 0 when nothing waits.", queueLabels, nil)
	messagesIn = prometheus.NewDesc("entregas_messages_in_per_second",
		"Messages published on the topic, a second, over the last half minute.", queueLabels, nil)
	output = prometheus.NewDesc("entregas_messages_out_per_second",
		"Messages that the subscription acknowledged, a second, over the last half minute.", queueLabels, nil)
	timeToDrain = prometheus.NewDesc("entregas_drain_seconds",
		"How long until nothing waits, at the present rates; absent while the queue does not get shorter.", queueLabels, nil)
	undecodable = prometheus.NewDesc("entregas_undecodable_messages",
		"Messages that no sidecar can hand to the subscription's programs, so that they are delivered again and again until an operator sets them aside; as of a few seconds ago.", queueLabels, nil)
	deadLetters = prometheus.NewDesc("entregas_dead_letters",
		"Dead letters of the topic that nobody has put back or discarded.", []string{"topic"}, nil)
	oldestDead = prometheus.NewDesc("entregas_oldest_dead_letter_seconds",
		"How long the oldest dead letter of the topic has waited for an operator; 0 when there is none.", []string{"topic"}, nil)
)

// compatible returns the metric of the earlier system for the pending messages of a topic, which its scalers read.
func compatible(topic string) *prometheus.Desc {
	name := "pending_messages_persistent_public_default_" + strings.ReplaceAll(topic, "-", "_")
	return prometheus.NewDesc(name, "Pending messages of persistent://public/default/"+topic+".", nil, nil)
}

// reading is a collector that reads the broker at each scrape. So its numbers are never old, and while the broker is down it
// reports no queues. Only the rates come from the history.
type reading struct {
	broker       queues.Broker
	paces        Paces
	undecodables Undecodables
}

// deadline bounds the reading of the broker for /metrics. It is below the 10 s that Prometheus waits by default.
const deadline = 3 * time.Second

// Describe implements prometheus.Collector.
func (r *reading) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{up, pending, delivered, consumersDesc, age, messagesIn, output, timeToDrain, undecodable, deadLetters, oldestDead} {
		ch <- d
	}
	for _, topic := range queues.Topics() {
		ch <- compatible(topic)
	}
}

// Collect implements prometheus.Collector.
func (r *reading) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	all, err := queues.Load(ctx, r.broker)
	isUp := 1.0
	if err != nil {
		slog.Warn("the broker does not answer", "error", err)
		isUp = 0
	}
	ch <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, isUp)
	for topic, list := range all {
		r.tell(ch, topic, list)
	}
	r.undecodables.Undecodable(func(topic, subscription string, n int) {
		ch <- prometheus.MustNewConstMetric(undecodable, prometheus.GaugeValue, float64(n), topic, subscription)
	})
}

func (r *reading) tell(ch chan<- prometheus.Metric, topic string, list []queues.Queue) {
	measure := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for _, c := range list {
		measure(pending, float64(c.Pending), topic, c.Subscription)
		measure(delivered, float64(c.Delivered), topic, c.Subscription)
		measure(consumersDesc, float64(c.Replicas), topic, c.Subscription)
		measure(age, c.Age(time.Now()).Seconds(), topic, c.Subscription)
		if pace, found := r.paces.Pace(topic, c.Subscription); found {
			measure(messagesIn, pace.In, topic, c.Subscription)
			measure(output, pace.Out, topic, c.Subscription)
			if left, drains := pace.DrainTime(c.Pending); drains {
				measure(timeToDrain, left.Seconds(), topic, c.Subscription)
			}
		}
	}
	total := float64(queues.Pending(list))
	measure(compatible(topic), total)
	if origin, isDeadLetters := queues.IsDeadLetters(topic); isDeadLetters {
		measure(deadLetters, total, origin)
		var oldest time.Duration
		for _, c := range list {
			oldest = max(oldest, c.Age(time.Now()))
		}
		measure(oldestDead, oldest.Seconds(), origin)
	}
}
