package messages_test

import (
	"testing"

	"github.com/gorilla/mux"

	"entregas/bff/compras"
	"entregas/bff/comprastest"
	"entregas/bff/dapr"
	"entregas/bff/live"
	"entregas/bff/messages"
	"entregas/contracts"
	"entregas/internal/asyncapitest"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
)

// The bff enforces each bound that asyncapi.yaml names for the events of a purchase.
func TestBoundsOfEvents(t *testing.T) {
	var broker pubsubtest.Broker
	publisher := pubsub.NewPublisher(&broker, "bff")
	core := compras.New(comprastest.NewManager(), dapr.Commands{Publisher: publisher}, &comprastest.Store{})
	routes := mux.NewRouter()
	messages.Receive(pubsub.NewReceiver(routes, publisher, &pubsubtest.Attempts{}), core, live.NewWakeups())
	asyncapitest.Check(t, contracts.CompraActualizada, routes, &broker)
}
