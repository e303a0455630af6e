package mensajes

import (
	"testing"

	"entregas/contracts"
	"entregas/workflows/compra"
)

// Each reply of the table is received.
func TestEachReplyIsReceived(t *testing.T) {
	for _, c := range compra.Commands() {
		for _, r := range compra.Replies(c) {
			if received[contracts.TopicOf(r.Type).Name] == nil {
				t.Errorf("nobody receives %s, of topic %q: add the topic to received in services/gestor-compra/mensajes/replies.go", r.Type, contracts.TopicOf(r.Type).Name)
			}
		}
	}
}
