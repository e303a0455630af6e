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

// The versions that the programs report about themselves. tools/*/go.mod pin the same versions and all dependencies.
const (
	daprVersion           = "1.18.1"
	daprCLIVersion        = "1.16.5"
	processComposeVersion = "1.103.0"
)

// buildSpec describes programs that are built once from a pinned module under tools/.
type buildSpec struct {
	module string   // folder under tools/
	target string   // folder under .local/ that gets the programs
	output []string // the programs
	arguments,
	packages []string
	howLong string // for the message at the start of the build
}

func (in *Instance) buildSpecs() []buildSpec {
	dapr := buildSpec{module: "dapr", target: ".dapr/bin", howLong: "about 5 minutes on 2 cores, only the first time",
		arguments: []string{"-tags", "stablecomponents", "-ldflags", "-X github.com/dapr/dapr/pkg/buildinfo.version=" + daprVersion}}
	for _, p := range []string{"daprd", "placement", "scheduler"} {
		if !in.useInstalled(p) {
			dapr.output = append(dapr.output, p)
			pkg := "github.com/dapr/dapr/cmd/" + p
			if p == "daprd" {
				pkg = "./daprd" // with the binding for mails
			}
			dapr.packages = append(dapr.packages, pkg)
		}
	}
	return []buildSpec{
		{module: "process-compose", target: "bin", output: []string{"process-compose"}, howLong: "less than a minute",
			arguments: []string{"-ldflags", "-X github.com/f1bonacc1/process-compose/src/config.Version=v" + processComposeVersion},
			packages:  []string{"github.com/f1bonacc1/process-compose"}},
		{module: "dapr-cli", target: "bin", output: []string{"dapr"}, howLong: "about 3 minutes on 2 cores, only the first time",
			arguments: []string{"-ldflags", "-X main.version=" + daprCLIVersion + " -X main.apiVersion=1.0"},
			packages:  []string{"github.com/dapr/cli"}},
		dapr,
	}
}

// developerTools has the programs that tools/test.sh uses and the system does not. The keys are the names of their modules under
// tools/.
var developerTools = map[string]buildSpec{
	"lint": {module: "lint", target: "bin", output: []string{"golangci-lint", "govulncheck"}, howLong: "about 4 minutes on 2 cores, only the first time",
		arguments: []string{"-ldflags", "-X main.version=2.15.0"},
		packages:  []string{"github.com/golangci/golangci-lint/v2/cmd/golangci-lint", "golang.org/x/vuln/cmd/govulncheck"}},
	"promtool": {module: "observe/promtool", target: "bin", output: []string{"promtool"}, howLong: "about 2 minutes on 2 cores, only the first time",
		arguments: []string{"-tags", "remove_all_sd"}, packages: []string{"github.com/prometheus/prometheus/cmd/promtool"}},
	"collector": observeSpecs()[0],
	"gotestsum": {module: "gotestsum", target: "bin", output: []string{"gotestsum"}, howLong: "less than a minute",
		packages: []string{"gotest.tools/gotestsum"}},
}

// useInstalled links to the program of `dapr init` in the user's home, if it has the pinned version, and reports whether it does.
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

// tools builds or downloads every program that the system needs and that is missing under .local/.
func (in *Instance) tools() error {
	for _, d := range []string{"bin", ".dapr/bin", "downloads", "process-compose"} {
		if err := os.MkdirAll(in.shared(d), 0o755); err != nil {
			return err
		}
	}
	if err := checkJava(); err != nil {
		return err
	}
	downloading := make(chan error, 1)
	go func() { downloading <- in.distributions() }() // downloads use the network while builds use the processor
	for _, c := range in.buildSpecs() {
		if err := in.build(c); err != nil {
			return err
		}
	}
	return <-downloading
}

// launchDaprd is a script that starts daprd with the options of the CLI and binds daprd to the loopback. By default, daprd listens for
// other sidecars on every address of the machine. It asks them for no certificate or token here, so any host of the network could call
// each service without a token or a role. The CLI has no options for these two addresses.
const launchDaprd = `#!/bin/sh
exec "$(dirname "$0")/../../../.dapr/bin/daprd" "$@" --dapr-internal-grpc-listen-address=127.0.0.1 --metrics-listen-address=127.0.0.1
`

// launcherPath is the path of launchDaprd below .local, by which pair finds a sidecar that the script has not started yet.
const launcherPath = "launcher/.dapr/bin/daprd"

// launcher writes the folder that the CLI uses as Dapr's own (runtimePath in dapr.yaml), with launchDaprd in the place of daprd.
func (in *Instance) launcher() error {
	for _, d := range []string{"bin", "components"} {
		if err := os.MkdirAll(in.shared("launcher", ".dapr", d), 0o755); err != nil {
			return err
		}
	}
	// The CLI requires this file, although each run file names its own configuration.
	empty := "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata:\n  name: empty\nspec: {}\n"
	if err := os.WriteFile(in.shared("launcher", ".dapr", "config.yaml"), []byte(empty), 0o644); err != nil {
		return err
	}
	return os.WriteFile(in.shared("launcher", ".dapr", "bin", "daprd"), []byte(launchDaprd), 0o755) // #nosec G306 -- a program
}

// build builds the programs of c, unless a stamp says that they were built from the same modules, source and options.
func (in *Instance) build(c buildSpec) error {
	if len(c.output) == 0 {
		return nil
	}
	if err := os.MkdirAll(in.shared("stamps"), 0o755); err != nil {
		return err
	}
	dir := filepath.Join(in.Root, "tools", c.module)
	pinned, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		return err
	}
	own, err := filepath.Glob(filepath.Join(dir, "*", "*.go")) // the programs of the module itself
	if err != nil {
		return err
	}
	main, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, file := range append(own, main...) {
		source, err := os.ReadFile(file) // #nosec G304 -- a file of this repository
		if err != nil {
			return err
		}
		pinned = append(pinned, source...)
	}
	fingerprint := sha256.Sum256(fmt.Append(pinned, c.arguments, c.packages))
	stamp, ready := hex.EncodeToString(fingerprint[:]), true
	for _, s := range c.output {
		ready = ready && exists(in.shared(c.target, s))
	}
	stampPath := in.shared("stamps", strings.ReplaceAll(c.module, "/", "-"))
	if previous, _ := os.ReadFile(stampPath); ready && string(previous) == stamp {
		return nil
	}
	what := strings.Join(c.output, ", ")
	say("building %s (%s)", what, c.howLong)
	target := in.shared(c.target) + "/"
	if len(c.output) == 1 {
		target += c.output[0] // the package may have another name
	}
	args := append([]string{"build", "-v", "-trimpath", "-buildvcs=false", "-o", target}, c.arguments...)
	if err := in.goWithProgress(dir, what, append(args, c.packages...), "GOWORK=off", "GOFLAGS=-mod=readonly"); err != nil {
		return err
	}
	return os.WriteFile(stampPath, []byte(stamp), 0o644)
}

// goWithProgress runs go in dir and prints its progress every few seconds. what names the build in messages.
func (in *Instance) goWithProgress(dir, what string, args []string, env ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run go: %w. Install Go 1.26 or later (https://go.dev/dl) and try again", err)
	}
	var packages, modules atomic.Int64
	halt := everySoOften(func() string {
		return fmt.Sprintf("%s: %d modules downloaded, %d packages compiled", what, modules.Load(), packages.Load())
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
		return fmt.Errorf("the build of %s failed:\n%s(in %s: go %s)", what, errs.String(), dir, strings.Join(args, " "))
	}
	return nil
}

// services builds the programs of the services, or only that of one app-id. go skips packages that have not changed, and so does the
// Makefile of an example. An example that leaves its migrations to the program in Go needs both.
func (in *Instance) services(only ...string) error {
	goes := 0
	args := []string{"build", "-v", "-trimpath", "-buildvcs=false", "-tags", in.setting("BUILD_TAGS", ""), "-o", in.servicesDir() + "/"}
	for _, a := range in.apps {
		folder := "./services/" + a
		if a == "bff" {
			folder = "./bff"
		}
		if len(only) > 0 && a != only[0] {
			continue
		}
		if language := in.implementation(a); language != inGo {
			if err := in.buildExample(language, a); err != nil {
				return err
			}
			if leaves, err := in.leavesMigrations(a); err != nil {
				return err
			} else if !leaves {
				continue
			}
		}
		args = append(args, folder)
		goes++
	}
	if goes == 0 {
		return nil
	}
	return in.goWithProgress(in.Root, "the services", args, "GOWORK="+filepath.Join(in.Root, "go.work"))
}

// everySoOften prints the result of line every five seconds, until its caller calls the function that it returned.
func everySoOften(line func() string) func() {
	end, t := make(chan struct{}), time.NewTicker(5*time.Second)
	go func() {
		for {
			select {
			case <-end:
				t.Stop()
				return
			case <-t.C:
				say("  ... %s", line())
			}
		}
	}()
	return func() { close(end) }
}

var startedAt = time.Now()

// output gets the messages of say. Tests replace it.
var output io.Writer = os.Stderr

// say prints one step, with the seconds since the start of this program.
func say(format string, args ...any) {
	fmt.Fprintf(output, "[%5s] %s\n", strconv.FormatFloat(time.Since(startedAt).Seconds(), 'f', 1, 64), fmt.Sprintf(format, args...))
}
