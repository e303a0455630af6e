package cliente

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Local is the `local` program on one copy of the system: it starts, stops and kills parts of it.
type Local struct {
	Raiz, Instancia string
	Ajustes         []string // NAME=value, as in local.env: each command needs the same ones
}

// NuevoLocal finds the project from the working directory.
func NuevoLocal(instancia string, ajustes ...string) (*Local, error) {
	raiz, err := os.Getwd()
	for err == nil && raiz != "/" {
		if _, falta := os.Stat(filepath.Join(raiz, "dapr.yaml")); falta == nil {
			return &Local{Raiz: raiz, Instancia: instancia, Ajustes: ajustes}, nil
		}
		raiz = filepath.Dir(raiz)
	}
	return nil, fmt.Errorf("ejecute este programa dentro del proyecto (%w)", os.ErrNotExist)
}

func (l *Local) orden(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(l.Raiz, ".local", "bin", "local"), append([]string{"--instance", l.Instancia}, args...)...) // #nosec G204 -- the project's own program
	cmd.Dir, cmd.Env = l.Raiz, append(os.Environ(), l.Ajustes...)
	return cmd
}

// Orden runs a command: up, down, reset; stop, start or restart of a service.
func (l *Local) Orden(ctx context.Context, args ...string) error {
	if texto, err := l.orden(ctx, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("local %s: %w\n%s", strings.Join(args, " "), err, texto)
	}
	return nil
}

// Salida runs a command that tells something, and gives what it told: dsn, env.
func (l *Local) Salida(ctx context.Context, args ...string) (string, error) {
	texto, err := l.orden(ctx, args...).Output()
	if err != nil {
		return "", fmt.Errorf("local %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(texto)), nil
}

// Entorno reads the addresses of this copy.
func (l *Local) Entorno(ctx context.Context) (Entorno, error) {
	texto, err := l.Salida(ctx, "env")
	if err != nil {
		return Entorno{}, err
	}
	m := map[string]string{}
	for linea := range strings.Lines(texto) {
		if nombre, valor, ok := strings.Cut(strings.TrimSpace(linea), "="); ok {
			m[nombre] = valor
		}
	}
	return entornoDe(func(nombre string) string { return m[nombre] })
}

// Proceso is a line of `local status`: an app, its sidecar, or a part of the infrastructure.
type Proceso struct {
	Nombre string `json:"name"`
	Clase  string `json:"kind"`
	Pid    int    `json:"pid"`
	Port   int    `json:"port"`
	Sano   bool   `json:"healthy"`
}

// Procesos lists what there is of this copy.
func (l *Local) Procesos(ctx context.Context) ([]Proceso, error) {
	cmd := l.orden(ctx, "status", "--json")
	var queja bytes.Buffer
	cmd.Stderr = &queja
	texto, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("local status: %w %s", err, &queja)
	}
	var procesos []Proceso
	return procesos, json.Unmarshal(texto, &procesos)
}

// AppsOf are the base addresses of a service and its replicas that run.
func (l *Local) AppsOf(ctx context.Context, service string) (addresses []string, err error) {
	procesos, err := l.Procesos(ctx)
	for _, p := range procesos {
		if p.Clase == "app" && p.Pid != 0 && (p.Nombre == service || strings.HasPrefix(p.Nombre, service+"-")) {
			addresses = append(addresses, fmt.Sprintf("http://127.0.0.1:%d", p.Port))
		}
	}
	return addresses, err
}

// Matar ends with SIGKILL each process that cual says, at once, and gives how many there were.
func (l *Local) Matar(ctx context.Context, cual func(Proceso) bool) (int, error) {
	procesos, err := l.Procesos(ctx)
	if err != nil {
		return 0, err
	}
	procesos = slices.DeleteFunc(procesos, func(p Proceso) bool { return p.Pid == 0 || !cual(p) })
	for _, p := range procesos {
		if err := syscall.Kill(p.Pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH { //nolint:errorlint // it is that very value
			return 0, fmt.Errorf("matar %s de %s: %w", p.Clase, p.Nombre, err)
		}
	}
	return len(procesos), nil
}

// Sanos tells whether everything runs and is healthy; else what is not.
func (l *Local) Sanos(ctx context.Context) error {
	procesos, err := l.Procesos(ctx)
	if err != nil {
		return err
	}
	for _, p := range procesos {
		if !p.Sano {
			return fmt.Errorf("%s de %s no está sano", p.Clase, p.Nombre)
		}
	}
	return nil
}
