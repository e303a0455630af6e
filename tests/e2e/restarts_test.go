package e2e

import (
	"testing"

	. "entregas/tests/testkit"
)

// Each service is restarted under load, as when a new version is rolled out. Every purchase is confirmed, and no message becomes a dead
// letter. While the bff is away, clients send their request again.
func TestRestartUnderLoad(t *testing.T) {
	s := ForBreaking(t)
	for _, service := range []string{"gestor-compra", "admin-productos", "consolidador", "ordenes", "bff", "monitor"} {
		t.Run(service, func(t *testing.T) {
			noDeadLetters := s.NoDeadLetters(t)
			load := s.StartLoad(t, 8)
			load.Wait(10)
			s.Run(t, "restart", service)
			load.Wait(10)
			load.Finish(Deadline)
			noDeadLetters()
		})
	}
}
