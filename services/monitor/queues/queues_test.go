package queues_test

import (
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/services/monitor/queues"
)

func TestTopics(t *testing.T) {
	topics := queues.Topics()
	if len(topics) != 2*len(contracts.Names()) || !slices.Contains(topics, "comandos-producto") || !slices.Contains(topics, string(contracts.EventosCompra.DeadLetters())) {
		t.Errorf("%v", topics)
	}
	if origin, ok := queues.IsDeadLetters("comandos-orden-dlq"); !ok || origin != "comandos-orden" {
		t.Error(origin)
	}
	if _, ok := queues.IsDeadLetters("comandos-orden"); ok {
		t.Error("comandos-orden is no topic of dead letters")
	}
}

// The subscription of a live stream is not durable, so its messages do not count as pending.
func TestPending(t *testing.T) {
	list := []queues.Queue{{Subscription: "bff", Pending: 3, Durable: true}, {Subscription: "a1b2", Pending: 50}, {Subscription: "otra", Pending: 4, Durable: true}}
	if n := queues.Pending(list); n != 7 {
		t.Errorf("%d", n)
	}
}
