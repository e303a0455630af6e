package e2e

import (
	"testing"

	. "entregas/tests/testkit"
)

// Each service is restarted, as a new version is rolled out, while purchases go through: none is lost, and none is a
// dead letter. Clients of a bff that is away send again.
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
