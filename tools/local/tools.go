package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The pinned versions of what is built; tools/*/go.mod hold them too, with all they depend on.
const (
	daprVersion           = "1.18.1"
	daprCLIVersion        = "1.16.5"
	processComposeVersion = "1.103.0"
)

// buildSpec is a program built once from a pinned module under tools/.
type buildSpec struct {
	module string   // folder under tools/
	target string   // folder under .local/ that gets the programs
	output []string // the programs
	arguments,
	packages []string
	howLong string // shown during the build
}

func (in *Instance) buildSpecs() []buildSpec {
	dapr := buildSpec{module: "dapr", target: ".dapr/bin", howLong: "unos 5 minutos en 2 núcleos, solo la primera vez",
		arguments: []string{"-tags", "stablecomponents", "-ldflags", "-X github.com/dapr/dapr/pkg/buildinfo.version=" + daprVersion}}
	for _, p := range []string{"daprd", "placement", "scheduler"} {
		if !in.useInstalled(p) {
			dapr.output = append(dapr.output, p)
			dapr.packages = append(dapr.packages, "github.com/dapr/dapr/cmd/"+p)
		}
	}
	return []buildSpec{
		{module: "process-compose", target: "bin", output: []string{"process-compose"}, howLong: "menos de un minuto",
			arguments: []string{"-ldflags", "-X github.com/f1bonacc1/process-compose/src/config.Version=v" + processComposeVersion},
			packages:  []string{"github.com/f1bonacc1/process-compose"}},
		{module: "dapr-cli", target: "bin", output: []string{"dapr"}, howLong: "unos 3 minutos en 2 núcleos, solo la primera vez",
			arguments: []string{"-ldflags", "-X main.version=" + daprCLIVersion + " -X main.apiVersion=1.0"},
			packages:  []string{"github.com/dapr/cli"}},
		dapr,
	}
}

// golangci is what `make lint` runs; only a developer needs it.
var golangci = buildSpec{module: "lint", target: "bin", output: []string{"golangci-lint", "govulncheck"}, howLong: "unos 4 minutos en 2 núcleos, solo la primera vez",
	arguments: []string{"-ldflags", "-X main.version=2.15.0"},
	packages:  []string{"github.com/golangci/golangci-lint/v2/cmd/golangci-lint", "golang.org/x/vuln/cmd/govulncheck"}}

// useInstalled links a program that `dapr init` left in the user's home, where it is the pinned version.
func (in *Instance) useInstalled(program string) bool {
	home, err := os.UserHomeDir()
	if err != nil {
		return false
	}
	path := filepath.Join(home, ".dapr", "bin", program)
	output, err := exec.Command(path, "--version").Output()
	if err != nil || strings.TrimSpace(string(output)) != daprVersion {
		return false
	}
	link := in.shared(".dapr", "bin", program)
	_ = os.Remove(link)
	return os.Symlink(path, link) == nil
}

// tools leaves every program that the system needs, built or downloaded, under .local/.
func (in *Instance) tools() error {
	for _, d := range []string{"bin", ".dapr/bin", "descargas", "process-compose"} {
		if err := os.MkdirAll(in.shared(d), 0o755); err != nil {
			return err
		}
	}
	if err := checkJava(); err != nil {
		return err
	}
	downloading := make(chan error, 1)
	go func() { downloading <- in.distributions() }() // the network is idle while the processor builds
	for _, c := range in.buildSpecs() {
		if err := in.build(c); err != nil {
			return err
		}
	}
	return <-downloading
}

// launchDaprd starts daprd as the CLI asks, and keeps it to the loopback. By itself it listens on every address of the machine
// for other sidecars, of which it asks neither certificate nor token here: any host of the network would reach each service
// by it, past tokens and roles. The CLI has no word for these two.
const launchDaprd = `#!/bin/sh
exec "$(dirname "$0")/../../../.dapr/bin/daprd" "$@" --dapr-internal-grpc-listen-address=127.0.0.1 --metrics-listen-address=127.0.0.1
`

// launcher makes the folder that the CLI takes for Dapr's own: dapr.yaml names it as its runtimePath.
func (in *Instance) launcher() error {
	for _, d := range []string{"bin", "components"} {
		if err := os.MkdirAll(in.shared("lanzador", ".dapr", d), 0o755); err != nil {
			return err
		}
	}
	// The CLI wants this file there, though each run file names its own configuration.
	drains := "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata:\n  name: vacia\nspec: {}\n"
	if err := os.WriteFile(in.shared("lanzador", ".dapr", "config.yaml"), []byte(drains), 0o644); err != nil {
		return err
	}
	return os.WriteFile(in.shared("lanzador", ".dapr", "bin", "daprd"), []byte(launchDaprd), 0o755) // #nosec G306 -- a program
}

func (in *Instance) build(c buildSpec) error {
	if len(c.output) == 0 {
		return nil
	}
	if err := os.MkdirAll(in.shared("sellos"), 0o755); err != nil {
		return err
	}
	dir := filepath.Join(in.Root, "tools", c.module)
	pinned, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		return err
	}
	fingerprint := sha256.Sum256(fmt.Append(pinned, c.arguments, c.packages))
	stamp, ready := hex.EncodeToString(fingerprint[:]), true
	for _, s := range c.output {
		ready = ready && exists(in.shared(c.target, s))
	}
	stampPath := in.shared("sellos", c.module)
	if previous, _ := os.ReadFile(stampPath); ready && string(previous) == stamp {
		return nil
	}
	what := strings.Join(c.output, ", ")
	say("construyo %s (%s)", what, c.howLong)
	target := in.shared(c.target) + "/"
	if len(c.output) == 1 {
		target += c.output[0] // not always named as its package is
	}
	args := append([]string{"build", "-v", "-trimpath", "-buildvcs=false", "-o", target}, c.arguments...)
	if err := in.goWithProgress(dir, what, append(args, c.packages...), "GOWORK=off", "GOFLAGS=-mod=readonly"); err != nil {
		return err
	}
	return os.WriteFile(stampPath, []byte(stamp), 0o644)
}

// goWithProgress runs go and tells every few seconds how many packages it has compiled.
func (in *Instance) goWithProgress(dir, what string, args []string, env ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("no pude ejecutar go: %w. Instale Go 1.26 o posterior (https://go.dev/dl) y repita", err)
	}
	var packages, modules atomic.Int64
	halt := everySoOften(func() string {
		return fmt.Sprintf("%s: %d módulos descargados, %d paquetes compilados", what, modules.Load(), packages.Load())
	})
	var errs strings.Builder
	pkg := regexp.MustCompile(`^[\w.\-~/]+$`)
	for s := bufio.NewScanner(pipe); s.Scan(); {
		switch line := s.Text(); {
		case strings.HasPrefix(line, "go: downloading"):
			modules.Add(1)
		case pkg.MatchString(line):
			packages.Add(1)
		default:
			errs.WriteString(line + "\n")
		}
	}
	err = cmd.Wait()
	halt()
	if err != nil {
		return fmt.Errorf("falló la construcción de %s:\n%s(en %s: go %s)", what, errs.String(), dir, strings.Join(args, " "))
	}
	return nil
}

// services builds the project's own programs; go does nothing for what has not changed.
func (in *Instance) services(only ...string) error {
	args := []string{"build", "-v", "-trimpath", "-buildvcs=false", "-tags", in.setting("BUILD_TAGS", ""), "-o", in.servicesDir() + "/"}
	for _, a := range apps {
		folder := "./services/" + a
		if a == "bff" {
			folder = "./bff"
		}
		if len(only) == 0 || a == only[0] {
			args = append(args, folder)
		}
	}
	return in.goWithProgress(in.Root, "los servicios", args, "GOWORK="+filepath.Join(in.Root, "go.work"))
}

// everySoOften says a line every five seconds until the returned function is called.
func everySoOften(line func() string) func() {
	end, t := make(chan struct{}), time.NewTicker(5*time.Second)
	go func() {
		for {
			select {
			case <-end:
				t.Stop()
				return
			case <-t.C:
				say("  … %s", line())
			}
		}
	}()
	return func() { close(end) }
}

var startedAt = time.Now()

var output io.Writer = os.Stderr

// say tells the user one step, with the time since the start.
func say(format string, args ...any) {
	fmt.Fprintf(output, "[%5s] %s\n", strconv.FormatFloat(time.Since(startedAt).Seconds(), 'f', 1, 64), fmt.Sprintf(format, args...))
}
