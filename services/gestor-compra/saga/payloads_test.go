package saga

import (
	"testing"

	"entregas/contracts"
	"entregas/workflows/compra"
)

// Each command of the table can be published.
func TestEachCommandHasAPayload(t *testing.T) {
	for _, c := range compra.Commands() {
		if payloads[contracts.TopicOf(c).Name] == nil {
			t.Errorf("nothing makes the payload of %s, of topic %q: add it to payloads in services/gestor-compra/saga/preguntas.go", c, contracts.TopicOf(c).Name)
		}
	}
}
