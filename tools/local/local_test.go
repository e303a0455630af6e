package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

func instanceOf(t *testing.T, name string) *Instance {
	t.Helper()
	in, err := open(name)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// A wrong name in local.env must be an error: without one, the service would start with its default.
func TestSettingsFileHoldsKnownNamesOnly(t *testing.T) {
	in := instanceOf(t, "up")
	for _, c := range []struct{ text, fault string }{
		{"PORT_BFF=9000\nAPP_GESTOR_COMPRA_MAX_IN_FLIGHT=8\nBUILD_TAGS=failpoints\n# PUERTO_BFF=1\n", ""},
		{"PUERTO_BFF=9000\n", "PUERTO_BFF"},
		{"ETIQUETAS=failpoints\n", "ETIQUETAS"},
		{"APP_GESTOR_MAX_IN_FLIGHT=8\n", "APP_GESTOR_MAX_IN_FLIGHT"},
		{"PORT_BBF=9000\n", "PORT_BBF"},
	} {
		path := filepath.Join(t.TempDir(), "local.env")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := in.readSettings(path)
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}

// The default ports are written in local.env, in dapr.yaml and in this program. All three must agree.
func TestPortsAgree(t *testing.T) {
	in := instanceOf(t, "up")
	text, err := os.ReadFile(filepath.Join(in.Root, "local.env"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range otherSettings {
		if !strings.Contains(string(text), "# "+name+"=") {
			t.Errorf("local.env does not list %s", name)
		}
	}
	for name, p := range infraPorts {
		if !strings.Contains(string(text), fmt.Sprintf("PORT_%s=%d\n", name, p)) {
			t.Errorf("local.env does not have PORT_%s=%d", name, p)
		}
	}
	in.settings = map[string]string{}
	everything, err := in.daprYaml()
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for i, s := range in.allServices() {
		if s.isReplica() {
			continue
		}
		a := everything.Apps[len(keys)]
		keys = append(keys, s.App)
		if a["appID"] != s.App || a["appPort"] != s.AppPort || a["daprHTTPPort"] != s.HTTPPort || a["daprGRPCPort"] != s.grpcPort ||
			a["daprInternalGRPCPort"] != s.internalPort || a["metricsPort"] != s.metricsPort {
			t.Errorf("dapr.yaml and allServices()[%d] differ: %v, %+v", i, a, s)
		}
	}
}

// The instance `test` must never use the ports, data or PostgreSQL server of the instance `up`.
func TestTestInstanceIsAnother(t *testing.T) {
	in := instanceOf(t, "test")
	in.settings = map[string]string{"POSTGRES_DSN": "postgres://me@other:5432/postgres"}
	components, _ := filepath.Glob(filepath.Join(in.Root, "components", "*.yaml"))
	foreign := regexp.MustCompile(`(127\.0\.0\.1|localhost|other):(\d{4})\b|\.local/up/`)
	for _, path := range append(components, filepath.Join(in.Root, "dapr.yaml")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if m := foreign.FindString(in.translate(string(text))); m != "" {
			t.Errorf("%s still has %s", path, m)
		}
	}
}

func TestOwnPostgresServer(t *testing.T) {
	in := instanceOf(t, "up")
	in.settings = map[string]string{"POSTGRES_DSN": "postgres://me:secret@other/postgres"}
	if s := in.translate("postgres://dapr@127.0.0.1:5432/dapr"); s != "postgres://dapr@other:5432/dapr" {
		t.Error(s)
	}
	if dsn, err := in.dsn("productos"); err != nil || dsn != "postgres://me:secret@other/productos" {
		t.Error(dsn, err)
	}
}

func TestPortTakenSaysByWhom(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	err = instanceOf(t, "test").freePorts(map[string]int{"PORT_BFF": port})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d (PORT_BFF) is taken by process %d", port, os.Getpid())) {
		t.Error(err)
	}
}

// TestDaprRun runs `dapr run -f` on dapr.yaml without the supervisor: it starts every service and leaves no process behind.
// It needs the infrastructure of the instance `test`; INSTANCIA=test says that it runs.
func TestDaprRun(t *testing.T) {
	if os.Getenv("INSTANCIA") != "test" {
		t.Skip("the infrastructure of the instance test does not run")
	}
	in := instanceOf(t, "test")
	if err := in.services(); err != nil {
		t.Fatal(err)
	}
	everything, err := in.daprYaml()
	if err != nil {
		t.Fatal(err)
	}
	file := in.path("run", "dapr.yaml")
	if err := everything.write(file); err != nil {
		t.Fatal(err)
	}
	for _, s := range in.allServices() {
		if pid, found := listeners()[s.AppPort]; found {
			t.Fatalf("%s runs already (pid %d), and this test must start it", s.Name, pid)
		}
	}
	mark := serviceMark + "=all"
	logFile, err := os.Create(in.log("dapr-run"))
	if err != nil {
		t.Fatal(err)
	}
	defer logFile.Close()
	cmd := exec.Command(in.shared("bin", "dapr"), "run", "-f", file)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = in.Root, logFile, logFile, append(os.Environ(), in.mark(), mark)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(processes(in.mark(), mark), 2*time.Second) })
	for _, s := range in.allServices() {
		if s.isReplica() {
			continue
		}
		w := newWaiter(s.Name, normalPatience, in.log("dapr-run"), func() glance { return glance{pids: processes(in.mark(), mark)} })
		if err := in.wait(w, in.serviceReady(s)); err != nil {
			t.Error(err)
		}
	}
	_ = cmd.Process.Signal(syscall.SIGINT)
	_ = cmd.Wait() // its status is 1 after a signal
	if remaining := processes(in.mark(), mark); len(remaining) > 0 {
		t.Errorf("processes are left: %v", remaining)
	}
}

// The template and the program agree on every name: a value that is missing would be a path that does not exist.
func TestSupervisorConfigIsComplete(t *testing.T) {
	in := instanceOf(t, "test")
	in.Dir = t.TempDir()
	if err := in.writeSupervisorConfig(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(in.path("run", "process-compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "<no value>") {
		t.Errorf("a value is missing:\n%s", text)
	}
	var config struct {
		Processes map[string]struct {
			Entrypoint []string
			Dir        string `yaml:"working_dir"`
		}
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	for _, s := range in.allServices() {
		p := config.Processes[s.Name]
		want := []string{in.shared("bin", "local"), "--instance", "test", "service", s.Name}
		if !slices.Equal(p.Entrypoint, want) || p.Dir != in.Root {
			t.Errorf("%s: %v in %s, want %v in %s", s.Name, p.Entrypoint, p.Dir, want, in.Root)
		}
	}
}

// closeFolders also closes a folder that an earlier version left open to other users.
func TestFoldersAreClosedToOthers(t *testing.T) {
	in := &Instance{Dir: t.TempDir()}
	if err := os.Mkdir(in.path("logs"), 0o755); err != nil { // #nosec G301 -- the mode of an earlier version
		t.Fatal(err)
	}
	if err := in.closeFolders(); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{in.path("logs"), in.path("run"), in.path("data", "pulsar")} {
		if i, err := os.Stat(folder); err != nil || i.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", folder, i.Mode(), err)
		}
	}
}

// When a service starts, the broker already has its schemas: no producer can register one.
func TestAServiceThatStartsFindsItsSchemas(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Method+" "+r.URL.Path)
		switch {
		case r.URL.Path == "/processes":
			_, _ = w.Write([]byte(`{"data": []}`))
		case strings.HasPrefix(r.URL.Path, "/process/start/"):
			w.WriteHeader(http.StatusInternalServerError) // the test ends here
		case strings.HasPrefix(r.URL.Path, "/admin/v2/schemas/") && r.Method == http.MethodGet:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\n"), 0o700); err != nil { // #nosec G306 -- a program
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, order := range []string{"start", "restart"} {
		asked = nil
		in := instanceOf(t, "up")
		in.Dir = t.TempDir()
		in.settings = map[string]string{"PORT_SUPERVISOR": port, "PORT_PULSAR_ADMIN": port, "POSTGRES_DSN": "postgres://nobody@127.0.0.1:1/nothing"}
		if err := in.oneService(order, "ordenes"); err == nil {
			t.Fatal("it started")
		}
		schema, start := slices.Index(asked, "POST /admin/v2/schemas/public/default/eventos-orden/schema"), slices.Index(asked, "POST /process/start/ordenes")
		if schema < 0 || start < schema {
			t.Errorf("%s: %s", order, strings.Join(asked, "\n"))
		}
	}
}
