package testkit

import (
	"context"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Victim gives what ends processes of a service with SIGKILL, as a machine that loses its power does: its app, its
// sidecar, or both. Only of the copy for tests. To find the processes takes a moment, so that is done before.
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
		t.Fatalf("de %s se buscaba %v y se halló %v", service, classes, pids)
	}
	return func() {
		t.Helper()
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatalf("matar %d de %s: %v", pid, service, err)
			}
		}
	}
}

// AllHealthy waits until every process is there and healthy again.
func (s *System) AllHealthy(t *testing.T) {
	t.Helper()
	UntilWithin(t, 90*time.Second, "todos los procesos sanos", func(ctx context.Context) (bool, error) {
		err := s.Local.AllHealthy(ctx)
		return err == nil, err
	})
}
