package messages

import (
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
	"entregas/workflows/compra"
)

// Every command in the table of steps can be published, and every reply in the table can be received.
func TestParticipantsAreThoseOfTheTable(t *testing.T) {
	const file = "services/gestor-compra/messages/participants.go"
	for _, c := range compra.Commands() {
		if topic := contracts.TopicOf(c).Name; commands[topic] == nil {
			t.Errorf("nothing makes the payload of %s, of topic %q: add the topic to commands in %s", c, topic, file)
		}
		for _, r := range compra.Replies(c) {
			if topic := contracts.TopicOf(r.Type).Name; replies[topic] == nil {
				t.Errorf("nobody receives %s, of topic %q: add the topic to replies in %s", r.Type, topic, file)
			}
		}
	}
}

// A command is of the trace of its purchase also while tracing is off (docs/adr/one-trace-a-purchase.md).
func TestACommandIsOfTheTraceOfItsPurchase(t *testing.T) {
	const trace = "0af7651916cd43dd8448eb211c80319c"
	broker := &pubsubtest.Broker{}
	p := Participants{Publisher: pubsub.NewPublisher(broker, "gestor-compra")}
	c := contracts.Compra{Traza: trace}
	c.ID = "01938f5e-7c1a-7000-8000-000000000001"
	if err := p.Ask(t.Context(), c, contracts.ReservarProducto); err != nil {
		t.Fatal(err)
	}
	for _, m := range pubsubtest.Published(t, broker, contracts.ComandosProducto) {
		if !strings.Contains(m.Traceparent, trace) {
			t.Errorf("the traceparent is %q, want trace %s", m.Traceparent, trace)
		}
	}
}
