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
	"entregas/services/admin-productos/messages"
)

// answers implements messages.Store: it answers each command that comes through the checks.
type answers struct{}

func (answers) Saved(context.Context, inbox.Command) (r inbox.Reply[contracts.DatosEventoProductos], found bool, err error) {
	return r, false, nil
}

func (answers) Reservar(context.Context, inbox.Command, []contracts.Linea) (r inbox.Reply[contracts.DatosEventoProductos], err error) {
	return r, nil
}

func (answers) Liberar(context.Context, inbox.Command, []contracts.Linea) (r inbox.Reply[contracts.DatosEventoProductos], err error) {
	return r, nil
}

func (answers) Despachar(context.Context, inbox.Command, []contracts.Linea) (r inbox.Reply[contracts.DatosEventoProductos], err error) {
	return r, nil
}

// admin-productos enforces each bound that asyncapi.yaml names for its commands.
func TestBoundsOfCommands(t *testing.T) {
	routes, broker := mux.NewRouter(), &pubsubtest.Broker{}
	publisher := pubsub.NewPublisher(broker, "admin-productos")
	messages.Receive(pubsub.NewReceiver(routes, publisher, &pubsubtest.Attempts{}), publisher, answers{}, fast())
	for _, kind := range []contracts.MessageType{contracts.ReservarProducto, contracts.LiberarReserva, contracts.DespacharReserva} {
		asyncapitest.Check(t, kind, routes, broker)
	}
}
