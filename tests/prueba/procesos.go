package prueba

import (
	"context"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Victima gives what ends processes of a service with SIGKILL, as a machine that loses its power does: its app, its
// sidecar, or both. Only of the copy for tests. To find the processes takes a moment, so that is done before.
func (s *Sistema) Victima(t *testing.T, servicio string, clases ...string) (matar func()) {
	t.Helper()
	procesos, err := s.Local.Procesos(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, p := range procesos {
		if p.Nombre == servicio && p.Pid > 0 && slices.Contains(clases, p.Clase) {
			pids = append(pids, p.Pid)
		}
	}
	if len(pids) != len(clases) {
		t.Fatalf("de %s se buscaba %v y se halló %v", servicio, clases, pids)
	}
	return func() {
		t.Helper()
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatalf("matar %d de %s: %v", pid, servicio, err)
			}
		}
	}
}

// TodosSanos waits until every process is there and healthy again.
func (s *Sistema) TodosSanos(t *testing.T) {
	t.Helper()
	HastaEn(t, 90*time.Second, "todos los procesos sanos", func(ctx context.Context) (bool, error) {
		err := s.Local.Sanos(ctx)
		return err == nil, err
	})
}
