package messages_test

import (
	"context"
	"testing"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/internal/asyncapitest"
	"entregas/internal/inbox"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
	"entregas/services/ordenes/messages"
)

// answers implements messages.Store: it answers each command that comes through the checks.
type answers struct{}

func (answers) Create(context.Context, inbox.Command, contracts.DatosComandoOrden) (r inbox.Reply[contracts.DatosEventoOrden], err error) {
	return r, nil
}

func (answers) Cancelar(context.Context, inbox.Command) (r inbox.Reply[contracts.DatosEventoOrden], err error) {
	return r, nil
}

// ordenes enforces each bound that asyncapi.yaml names for its commands.
func TestBoundsOfCommands(t *testing.T) {
	routes, broker := mux.NewRouter(), &pubsubtest.Broker{}
	publisher := pubsub.NewPublisher(broker, "ordenes")
	messages.Receive(pubsub.NewReceiver(routes, publisher, &pubsubtest.Attempts{}), publisher, answers{})
	for _, kind := range []contracts.MessageType{contracts.CrearOrden, contracts.CancelarOrden} {
		asyncapitest.Check(t, kind, routes, broker)
	}
}
