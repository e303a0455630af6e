package testkit

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"entregas/tests/client"
)

// Victim finds the processes of a service, and returns a function that sends them SIGKILL, as when a machine loses its power. classes
// are "app", "sidecar" or both. The search takes a moment, so a test calls Victim before the time of the kill.
func (s *System) Victim(t *testing.T, service string, classes ...string) (kill func()) {
	t.Helper()
	processes, err := s.Local.Processes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, p := range processes {
		if p.Name == service && p.Pid > 0 && slices.Contains(classes, p.Kind) {
			pids = append(pids, p.Pid)
		}
	}
	if len(pids) != len(classes) {
		t.Fatalf("of %s wanted %v, found %v", service, classes, pids)
	}
	return func() {
		t.Helper()
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatalf("kill %d of %s: %v", pid, service, err)
			}
		}
	}
}

// AllHealthy waits until every process runs and is healthy, and the bff reaches those that it reads from: a sidecar is healthy
// before it reaches its app.
func (s *System) AllHealthy(t *testing.T) {
	t.Helper()
	UntilWithin(t, 90*time.Second, "all processes healthy", func(ctx context.Context) (bool, error) {
		err := s.Local.AllHealthy(ctx)
		for _, path := range []string{"/productos", "/ordenes"} {
			if err != nil {
				return false, err
			}
			var r client.Response
			if r, err = s.BFF.Request(ctx, http.MethodGet, path, nil); err == nil && r.Status != http.StatusOK {
				err = fmt.Errorf("the bff answers %d to GET %s", r.Status, path)
			}
		}
		return err == nil, err
	})
}
