package messages

import (
	"testing"

	"entregas/contracts"
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
