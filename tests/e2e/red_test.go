package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "entregas/tests/prueba"
)

// No app and no sidecar listens to the network: a sidecar's port for other sidecars asks for no token, and on every address of
// the machine it would let whoever is near past tokens and roles.
func TestNadaEscuchaEnLaRed(t *testing.T) {
	s := Abrir(t)
	if _, err := os.Stat("/proc/self/net/tcp"); err != nil || s.Entorno.Instancia == "" {
		t.Skip("no es una copia de esta máquina")
	}
	procesos, err := s.Local.Procesos(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	vistos := 0
	for _, p := range procesos {
		if p.Pid == 0 || p.Clase != "app" && p.Clase != "sidecar" {
			continue
		}
		for _, donde := range escucha(p.Pid) {
			vistos++
			if direccion, puerto, _ := strings.Cut(donde, ":"); !slices.Contains(aqui, direccion) {
				t.Errorf("%s de %s escucha en %s, puerto %s (hexadecimal)", p.Clase, p.Nombre, direccion, puerto)
			}
		}
	}
	if vistos == 0 {
		t.Error("no se vio a nadie escuchar")
	}
}

// aqui are the loopback's addresses, as the kernel writes them.
var aqui = []string{"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}

// escucha lists where a process listens: address:port, in the kernel's hexadecimal.
func escucha(pid int) (donde []string) {
	suyos := map[string]bool{}
	descriptores, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, d := range descriptores {
		if que, err := os.Readlink(d); err == nil {
			suyos[strings.TrimSuffix(strings.TrimPrefix(que, "socket:["), "]")] = true
		}
	}
	for _, tabla := range []string{"tcp", "tcp6"} {
		texto, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, tabla))
		for linea := range strings.Lines(string(texto)) {
			if c := strings.Fields(linea); len(c) > 9 && c[3] == "0A" && suyos[c[9]] {
				donde = append(donde, c[1])
			}
		}
	}
	return donde
}
