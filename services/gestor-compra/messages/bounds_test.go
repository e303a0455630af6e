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
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/intake"
	"entregas/services/gestor-compra/messages"
	"entregas/services/gestor-compra/postgrestest"
)

// takesAll implements messages.Replies: it records each reply that comes through the checks.
type takesAll struct{}

func (takesAll) RecordReply(context.Context, string, contracts.MessageType, compras.Reply) (compras.Recorded, time.Duration, error) {
	return compras.First, 0, nil
}

// knows is a manager that knows each purchase whose order was dispatched.
type knows struct{ *intake.Intake }

func (knows) DespachoDone(context.Context, string) error { return nil }

// gestor-compra enforces each bound that asyncapi.yaml names for its commands and for the replies. The store compares the amounts of a reply
// with the lines of the purchase: TestAReplyWithAFieldThatCannotBe.
func TestBoundsOfCommandsAndReplies(t *testing.T) {
	store, routes, broker := postgrestest.New(t), mux.NewRouter(), &pubsubtest.Broker{}
	witness := &postgrestest.Witness{}
	receiver := pubsub.NewReceiver(routes, pubsub.NewPublisher(broker, "gestor-compra"), &pubsubtest.Attempts{})
	messages.Receive(receiver, knows{intake.New(store, witness, witness, intake.Options{MaxOpen: 100_000, Admit: witness.Notify, Reconcile: witness.Reconcile})}, takesAll{})
	for _, topic := range contracts.Topics {
		if topic.Reader != "gestor-compra" {
			continue
		}
		for _, kind := range topic.Messages {
			if kind == contracts.InventarioValidado {
				asyncapitest.Check(t, kind, routes, broker, "data.moneda", "data.total", "data.precios")
				continue
			}
			asyncapitest.Check(t, kind, routes, broker)
		}
	}
}
