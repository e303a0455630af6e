package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// withExample returns an instance of a project in a folder of its own, which has consolidador in Go and in the language mio. The build of
// the latter writes the file built, with what it was called with.
func withExample(t *testing.T, settings map[string]string) *Instance {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"dapr.yaml": `
version: 1
common: {}
apps:
  - {appID: bff, command: ["./.local/bin/bff"], appPort: 8888}
  - {appID: consolidador, command: ["./.local/bin/consolidador"], appPort: 5004, env: {DATABASE_URL: "postgres://consolidador@127.0.0.1:5432/productos?passfile=.local/up/pgpass", MODE: a}}
`,
		"examples/mio/consolidador/dapr.yaml": `
version: 1
apps:
  - {appID: consolidador, appDirPath: ../../.., command: [".local/examples/mio/consolidador/run", "-m"], env: {MODE: b, PATHS: .local/up/x}}
`,
		"examples/mio/consolidador/Makefile": "build:\n\t@echo \"$(OUT) $$MAKELEVEL\" >$(OUT)/built\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root)
	for name, value := range settings {
		t.Setenv(name, value)
	}
	in, err := open("test")
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// A wrong choice is an error that names the choices: without one, the service in Go would start.
func TestAnImplementationThatDoesNotExistIsRefused(t *testing.T) {
	withExample(t, nil)
	for name, c := range map[string]struct{ value, fault string }{
		"CONSOLIDADOR": {"rust", "CONSOLIDADOR=rust: there is no examples/rust/consolidador; there are: go mio"},
		"BFF":          {"mio", "BFF=mio: there is no examples/mio/bff; there are: go"},
	} {
		t.Setenv(name, c.value)
		if _, err := open("test"); err == nil || err.Error() != c.fault {
			t.Errorf("%v, want %s", err, c.fault)
		}
		t.Setenv(name, "")
	}
}

// An example gets the sidecar, the ports and the environment of the service that it replaces. Its command and its own environment are added.
func TestAnExampleIsStartedInThePlaceOfTheService(t *testing.T) {
	in := withExample(t, map[string]string{"CONSOLIDADOR": "mio", "APP_CONSOLIDADOR_DELAY": "1"})
	appOf := func() map[string]any {
		if err := in.writeRunFiles(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(in.path("run", "consolidador.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var file daprFile
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		return file.Apps[0]
	}
	asGo := appOf()
	if got := in.choose("consolidador"); !slices.Equal(got, []string{"consolidador"}) {
		t.Fatal(got)
	}
	other := appOf()
	want := map[string]any{
		"DATABASE_URL": "postgres://consolidador@127.0.0.1:15432/productos?passfile=.local/test/pgpass",
		"DELAY":        "1", "MODE": "b", "PATHS": ".local/test/x",
	}
	if !reflect.DeepEqual(other["env"], want) || fmt.Sprint(other["command"]) != "[.local/examples/mio/consolidador/run -m]" {
		t.Error(other)
	}
	for _, key := range []string{"env", "command"} {
		delete(other, key)
		delete(asGo, key)
	}
	if !reflect.DeepEqual(other, asGo) {
		t.Errorf("%v, want %v", other, asGo)
	}
	if err := in.services("consolidador"); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(in.Root, ".local", "examples", "mio", "consolidador")
	if text, err := os.ReadFile(filepath.Join(out, "built")); err != nil || string(text) != out+" 1\n" {
		t.Errorf("%q %v", text, err)
	}
}

// Failure prevented: on an instance without data, an example waits for ever for the tables, which only the program in Go makes.
func TestTheProgramInGoMigratesForAnExample(t *testing.T) {
	in := withExample(t, map[string]string{"CONSOLIDADOR": "mio"})
	in.choose("consolidador")
	program, ran := filepath.Join(in.servicesDir(), "consolidador"), filepath.Join(in.Root, "ran")
	if err := os.MkdirAll(filepath.Dir(program), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$MIGRATIONS $DATABASE_URL $APP_PORT\" >ran\n"), 0o700); err != nil { // #nosec G306 -- a program
		t.Fatal(err)
	}
	if err := in.migrate(time.Minute, in.apps...); err != nil || exists(ran) {
		t.Fatal("it ran for an example that leaves it nothing", err)
	}
	path := filepath.Join(in.Root, exampleDir("mio", "consolidador"), "dapr.yaml")
	text, _ := os.ReadFile(path)
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "MODE: b", "MIGRATIONS: wait", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := in.migrate(time.Minute, in.apps...); err != nil {
		t.Fatal(err)
	}
	want := "apply-and-exit postgres://consolidador@127.0.0.1:15432/productos?passfile=.local/test/pgpass 1\n"
	if got, err := os.ReadFile(ran); err != nil || string(got) != want {
		t.Errorf("%q %v, want %q", got, err, want)
	}
	if err := in.services("consolidador"); err == nil || !strings.Contains(err.Error(), "./services/consolidador") {
		t.Errorf("%v: the program in Go was not built", err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho no table; exit 3\n"), 0o700); err != nil { // #nosec G306 -- a program
		t.Fatal(err)
	}
	if err := in.migrate(time.Minute, in.apps...); err == nil || !strings.Contains(err.Error(), "no table") {
		t.Error(err)
	}
}

// A choice stays until another one is made or the data is deleted, and the failure of a build changes nothing.
func TestAChoiceStays(t *testing.T) {
	in := withExample(t, map[string]string{"CONSOLIDADOR": "mio"})
	again := func(value string) *Instance {
		t.Setenv("CONSOLIDADOR", value)
		in, err := open("test")
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	in.choose(in.apps...)
	if got := again("").implementation("consolidador"); got != inGo {
		t.Errorf("%s before it started", got)
	}
	if err := in.closeFolders(); err != nil {
		t.Fatal(err)
	}
	if err := in.keepChosen(); err != nil {
		t.Fatal(err)
	}
	in = again("")
	if changed := in.choose(in.apps...); len(changed) > 0 || in.implementation("consolidador") != "mio" {
		t.Errorf("%v, %s", changed, in.implementation("consolidador"))
	}
	in = again("go")
	if changed := in.choose("bff"); len(changed) > 0 { // another service starts
		t.Error(changed)
	}
	if changed := in.choose("consolidador"); !slices.Equal(changed, []string{"consolidador"}) || in.implementation("consolidador") != inGo {
		t.Errorf("%v, %s", changed, in.implementation("consolidador"))
	}
}

// A start with another implementation stops the one that runs; a start with the same one stops nothing.
func TestAStartSwapsTheImplementation(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	stopped := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.URL.Path == "/processes":
			_, _ = fmt.Fprintf(w, `{"data": [{"name": "consolidador", "status": %q, "is_running": %t}]}`, map[bool]string{true: "Completed", false: "Running"}[stopped], !stopped)
			return
		case strings.HasPrefix(r.URL.Path, "/process/stop/"):
			stopped = true
		case strings.HasPrefix(r.URL.Path, "/process/start/"):
			w.WriteHeader(http.StatusInternalServerError) // the test ends here
		}
		asked = append(asked, r.Method+" "+r.URL.Path)
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	in := withExample(t, map[string]string{"CONSOLIDADOR": "mio"})
	changed := in.choose("consolidador")
	in.settings["PORT_SUPERVISOR"] = fmt.Sprint(must(t, port) - instances["test"])
	ps, err := in.supervised()
	if err != nil || !ps["consolidador"].active() {
		t.Fatal(ps, err)
	}
	names, err := in.stopChanged(changed, ps)
	if err != nil || !names["consolidador"] || !slices.Equal(asked, []string{"PATCH /process/stop/consolidador"}) {
		t.Error(names, err, asked)
	}
	asked = nil
	if names, err := in.stopChanged(in.choose("consolidador"), ps); err != nil || len(names) > 0 || len(asked) > 0 {
		t.Error(names, err, asked)
	}
}

func must(t *testing.T, port string) int {
	t.Helper()
	var n int
	if _, err := fmt.Sscan(port, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// The app of a service is the child of the CLI that is not the sidecar, in whatever folder its program is.
func TestTheAppIsFoundInAnyLanguage(t *testing.T) {
	in := &Instance{Dir: t.TempDir()}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip(err)
	}
	start := func(name string, args ...string) int {
		cmd := exec.Command(name, args...)
		cmd.Env = []string{in.mark(), serviceMark + "=x", "PATH=" + os.Getenv("PATH")}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd.Process.Pid
	}
	program := func(name, target string) string {
		path := filepath.Join(in.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	app := start(program("venv/python", sleep), "60")
	if got, sidecar := in.pair(serviceMark+"=x", os.Getpid()); got != app || sidecar != 0 {
		t.Errorf("app %d, want %d; sidecar %d", got, app, sidecar)
	}
	starting := start("sh", "-c", "sleep 60 # "+launcherPath)
	grandchild := func() bool { return len(processes(in.mark(), serviceMark+"=x")) >= 2 }
	for limit := time.Now().Add(5 * time.Second); !grandchild() && time.Now().Before(limit); {
		time.Sleep(10 * time.Millisecond)
	}
	if got, sidecar := in.pair(serviceMark+"=x", os.Getpid()); got != app || sidecar != starting {
		t.Errorf("app %d, want %d; sidecar %d, want %d", got, app, sidecar, starting)
	}
}
