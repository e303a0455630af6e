package prueba

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Proceso is a line of `local status`: the app of a service, or its sidecar.
type Proceso struct {
	Nombre string `json:"name"`
	Clase  string `json:"kind"`
	Pid    int    `json:"pid"`
	Sano   bool   `json:"healthy"`
}

// Procesos lists what runs of this copy of the system.
func (s *Sistema) Procesos(ctx context.Context) ([]Proceso, error) {
	cmd := exec.CommandContext(ctx, s.Entorno.Local, "--instancia", s.Entorno.Instancia, "status", "--json") // #nosec G204 -- the project's own program
	cmd.Dir = s.Entorno.Raiz
	texto, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("local status: %w", err)
	}
	var procesos []Proceso
	return procesos, json.Unmarshal(texto, &procesos)
}

// Victima gives what ends processes of a service with SIGKILL, as a machine that loses its power does: its app, its
// sidecar, or both. Only of the copy for tests. To find the processes takes a moment, so that is done before.
func (s *Sistema) Victima(t *testing.T, servicio string, clases ...string) (matar func()) {
	t.Helper()
	procesos, err := s.Procesos(t.Context())
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
		procesos, err := s.Procesos(ctx)
		if err != nil {
			return false, err
		}
		for _, p := range procesos {
			if !p.Sano {
				return false, fmt.Errorf("falta %s de %s", p.Clase, p.Nombre)
			}
		}
		return true, nil
	})
}
