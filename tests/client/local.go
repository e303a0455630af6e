package client

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

// Local runs the program `local` on one instance of the system: it starts, stops and kills parts of it.
type Local struct {
	Root, Instance string
	Settings       []string // NAME=value, as in local.env: every command of an instance needs the same settings
}

// NewLocal returns a Local for the project of the working directory.
func NewLocal(instance string, settings ...string) (*Local, error) {
	root, err := os.Getwd()
	for err == nil && root != "/" {
		if _, absent := os.Stat(filepath.Join(root, "dapr.yaml")); absent == nil {
			return &Local{Root: root, Instance: instance, Settings: settings}, nil
		}
		root = filepath.Dir(root)
	}
	return nil, fmt.Errorf("run this program inside the project (%w)", os.ErrNotExist)
}

func (l *Local) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(l.Root, ".local", "bin", "local"), append([]string{"--instance", l.Instance}, args...)...) // #nosec G204 -- the project's own program
	cmd.Dir, cmd.Env = l.Root, append(os.Environ(), l.Settings...)
	return cmd
}

// Run runs a command: up, down, reset, or stop, start or restart of a service. Its error contains the output of the command.
func (l *Local) Run(ctx context.Context, args ...string) error {
	if text, err := l.command(ctx, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("local %s: %w\n%s", strings.Join(args, " "), err, text)
	}
	return nil
}

// Output runs a command, dsn or env, and returns its output.
func (l *Local) Output(ctx context.Context, args ...string) (string, error) {
	text, err := l.command(ctx, args...).Output()
	if err != nil {
		return "", fmt.Errorf("local %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Env returns the addresses of this instance.
func (l *Local) Env(ctx context.Context) (Env, error) {
	text, err := l.Output(ctx, "env")
	if err != nil {
		return Env{}, err
	}
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			m[name] = value
		}
	}
	return envFrom(func(name string) string { return m[name] })
}

// Process is a line of `local status`: an app, its sidecar, or a part of the infrastructure. Pid is 0 when it does not run.
type Process struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Pid     int    `json:"pid"`
	Port    int    `json:"port"`
	Healthy bool   `json:"healthy"`
}

// Processes returns the processes of this instance.
func (l *Local) Processes(ctx context.Context) ([]Process, error) {
	cmd := l.command(ctx, "status", "--json")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("local status: %w %s", err, &complaint)
	}
	var processes []Process
	return processes, json.Unmarshal(text, &processes)
}

// AppsOf returns the base addresses of the running replicas of a service.
func (l *Local) AppsOf(ctx context.Context, service string) (addresses []string, err error) {
	processes, err := l.Processes(ctx)
	for _, p := range processes {
		if p.Kind == "app" && p.Pid != 0 && (p.Name == service || strings.HasPrefix(p.Name, service+"-")) {
			addresses = append(addresses, fmt.Sprintf("http://127.0.0.1:%d", p.Port))
		}
	}
	return addresses, err
}

// Kill sends SIGKILL to each running process for which matches returns true. It returns their number.
func (l *Local) Kill(ctx context.Context, matches func(Process) bool) (int, error) {
	processes, err := l.Processes(ctx)
	if err != nil {
		return 0, err
	}
	processes = slices.DeleteFunc(processes, func(p Process) bool { return p.Pid == 0 || !matches(p) })
	for _, p := range processes {
		if err := syscall.Kill(p.Pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH { //nolint:errorlint // Kill returns the value itself
			return 0, fmt.Errorf("kill %s of %s: %w", p.Kind, p.Name, err)
		}
	}
	return len(processes), nil
}

// AllHealthy returns an error that names the first process that is not healthy.
func (l *Local) AllHealthy(ctx context.Context) error {
	processes, err := l.Processes(ctx)
	if err != nil {
		return err
	}
	for _, p := range processes {
		if !p.Healthy {
			return fmt.Errorf("%s of %s is not healthy", p.Kind, p.Name)
		}
	}
	return nil
}
