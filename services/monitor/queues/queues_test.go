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
	if origin, si := queues.IsDeadLetters("comandos-orden-dlq"); !si || origin != "comandos-orden" {
		t.Error(origin)
	}
	if _, si := queues.IsDeadLetters("comandos-orden"); si {
		t.Error("comandos-orden no es de mensajes muertos")
	}
}

// A live stream's reader comes and goes with its replica: nobody is behind because of it.
func TestPending(t *testing.T) {
	list := []queues.Cola{{Suscripcion: "bff", Pendientes: 3, Durable: true}, {Suscripcion: "a1b2", Pendientes: 50}, {Suscripcion: "otra", Pendientes: 4, Durable: true}}
	if n := queues.Pendientes(list); n != 7 {
		t.Errorf("%d", n)
	}
}
