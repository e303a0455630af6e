package e2e

import (
	"testing"

	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// Each service is restarted under load, as in a rollout of a new version. Every purchase is confirmed, and no message becomes a dead
// letter. While the bff is down, clients send their requests again.
func TestRestartUnderLoad(t *testing.T) {
	s := ForBreaking(t)
	all, err := client.Services()
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range all {
		t.Run(service.App, func(t *testing.T) {
			noDeadLetters := s.NoDeadLetters(t)
			load := s.StartLoad(t, 8)
			load.Wait(10)
			s.Run(t, "restart", service.App)
			load.Wait(10)
			load.Finish(Deadline)
			noDeadLetters()
		})
	}
}
