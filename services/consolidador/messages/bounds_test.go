package messages_test

import (
	"context"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/internal/asyncapitest"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
	"entregas/services/consolidador/inventario"
	"entregas/services/consolidador/messages"
)

// empty implements messages.Existencias: a warehouse without products.
type empty struct{}

func (empty) Of(context.Context, []contracts.Linea, time.Time) (inventario.Shelf, error) {
	return inventario.Shelf{}, nil
}

// consolidador enforces each bound that asyncapi.yaml names for its commands.
func TestBoundsOfCommands(t *testing.T) {
	routes, broker := mux.NewRouter(), &pubsubtest.Broker{}
	publisher := pubsub.NewPublisher(broker, "consolidador")
	messages.Receive(pubsub.NewReceiver(routes, publisher, &pubsubtest.Attempts{}), publisher, empty{})
	for _, kind := range []contracts.MessageType{contracts.ValidarInventario, contracts.CancelarValidacionInventario} {
		asyncapitest.Check(t, kind, routes, broker)
	}
}
