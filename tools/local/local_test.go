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
)

func instanciaDe(t *testing.T, nombre string) *Instancia {
	t.Helper()
	in, err := abrir(nombre)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// A name that nobody reads would be left out without a sign of it, and the part would start on its usual port.
func TestSettingsFileHoldsKnownNamesOnly(t *testing.T) {
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
		_, err := leerAjustes(path)
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}

// The defaults stand in three places that people read: each must say the same.
func TestLosPuertosConcuerdan(t *testing.T) {
	in := instanciaDe(t, "up")
	texto, err := os.ReadFile(filepath.Join(in.Raiz, "local.env"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range otrosAjustes {
		if !strings.Contains(string(texto), "# "+name+"=") {
			t.Errorf("local.env does not list %s", name)
		}
	}
	for nombre, p := range puertosBase {
		if !strings.Contains(string(texto), fmt.Sprintf("PORT_%s=%d\n", nombre, p)) {
			t.Errorf("local.env no dice PORT_%s=%d", nombre, p)
		}
	}
	in.ajustes = map[string]string{}
	todo, err := in.daprYaml()
	if err != nil {
		t.Fatal(err)
	}
	var claves []string
	for i, s := range in.losServicios() {
		if s.esReplica() {
			continue
		}
		a := todo.Apps[len(claves)]
		claves = append(claves, s.App)
		if a["appID"] != s.App || a["appPort"] != s.PuertoApp || a["daprHTTPPort"] != s.PuertoHTTP || a["daprGRPCPort"] != s.puertoGRPC ||
			a["daprInternalGRPCPort"] != s.puertoInterno || a["metricsPort"] != s.puertoMetricas {
			t.Errorf("dapr.yaml y losServicios()[%d] no dicen lo mismo: %v, %+v", i, a, s)
		}
	}
}

// The test instance must never reach the daily one's ports, data or PostgreSQL.
func TestLaInstanciaDePruebasEsOtra(t *testing.T) {
	in := instanciaDe(t, "test")
	in.ajustes = map[string]string{"POSTGRES_DSN": "postgres://yo@otro:5432/postgres"}
	componentes, _ := filepath.Glob(filepath.Join(in.Raiz, "components", "*.yaml"))
	ajeno := regexp.MustCompile(`(127\.0\.0\.1|localhost|otro):(\d{4})\b|\.local/up/`)
	for _, ruta := range append(componentes, filepath.Join(in.Raiz, "dapr.yaml")) {
		texto, err := os.ReadFile(ruta)
		if err != nil {
			t.Fatal(err)
		}
		if m := ajeno.FindString(in.traducir(string(texto))); m != "" {
			t.Errorf("%s todavía nombra %s", ruta, m)
		}
	}
}

func TestUnServidorPropioDePostgres(t *testing.T) {
	in := instanciaDe(t, "up")
	in.ajustes = map[string]string{"POSTGRES_DSN": "postgres://yo:clave@otro/postgres"}
	if s := in.traducir("postgres://dapr@127.0.0.1:5432/dapr"); s != "postgres://dapr@otro:5432/dapr" {
		t.Error(s)
	}
	if dsn, err := in.dsn("productos"); err != nil || dsn != "postgres://yo:clave@otro/productos" {
		t.Error(dsn, err)
	}
}

func TestUnPuertoTomadoDiceDeQuien(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	puerto := l.Addr().(*net.TCPAddr).Port
	err = instanciaDe(t, "test").puertosLibres(map[string]int{"PORT_BFF": puerto})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d (PORT_BFF) lo tiene el proceso %d", puerto, os.Getpid())) {
		t.Error(err)
	}
}

// dapr.yaml alone, without the supervisor: `dapr run -f` on it brings every service up and leaves nothing behind.
// It needs the infrastructure of the test instance: INSTANCIA=test says that it is there.
func TestDaprRun(t *testing.T) {
	if os.Getenv("INSTANCIA") != "test" {
		t.Skip("la infraestructura de pruebas no está arriba")
	}
	in := instanciaDe(t, "test")
	if err := in.servicios(); err != nil {
		t.Fatal(err)
	}
	todo, err := in.daprYaml()
	if err != nil {
		t.Fatal(err)
	}
	archivo := in.ruta("run", "dapr.yaml")
	if err := todo.escribir(archivo); err != nil {
		t.Fatal(err)
	}
	for _, s := range in.losServicios() {
		if pid, hay := escuchas()[s.PuertoApp]; hay {
			t.Fatalf("%s ya corre (pid %d): esta prueba los arranca ella misma", s.Nombre, pid)
		}
	}
	marca := marcaServicio + "=todos"
	registro, err := os.Create(in.log("dapr-run"))
	if err != nil {
		t.Fatal(err)
	}
	defer registro.Close()
	cmd := exec.Command(in.compartida("bin", "dapr"), "run", "-f", archivo)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = in.Raiz, registro, registro, append(os.Environ(), in.marca(), marca)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminar(procesos(in.marca(), marca), 2*time.Second) })
	for _, s := range in.losServicios() {
		if s.esReplica() {
			continue
		}
		w := newWaiter(s.Nombre, normalPatience, in.log("dapr-run"), func() glance { return glance{pids: procesos(in.marca(), marca)} })
		if err := in.wait(w, in.serviceReady(s)); err != nil {
			t.Error(err)
		}
	}
	_ = cmd.Process.Signal(syscall.SIGINT)
	_ = cmd.Wait() // it ends with 1 after a signal
	if quedan := procesos(in.marca(), marca); len(quedan) > 0 {
		t.Errorf("quedan procesos: %v", quedan)
	}
}

// Folders of an older instance are closed too.
func TestFoldersAreClosedToOthers(t *testing.T) {
	in := &Instancia{Dir: t.TempDir()}
	if err := os.Mkdir(in.ruta("logs"), 0o755); err != nil { // #nosec G301 -- as it was
		t.Fatal(err)
	}
	if err := in.closeFolders(); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{in.ruta("logs"), in.ruta("run"), in.ruta("datos", "pulsar")} {
		if i, err := os.Stat(folder); err != nil || i.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", folder, i.Mode(), err)
		}
	}
}

// A schema that changed is with the broker before the service that publishes by it starts: no producer can register one.
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
		in := instanciaDe(t, "up")
		in.Dir = t.TempDir()
		in.ajustes = map[string]string{"PORT_SUPERVISOR": port, "PORT_PULSAR_ADMIN": port, "POSTGRES_DSN": "postgres://nadie@127.0.0.1:1/nada"}
		if err := in.unServicio(order, "ordenes"); err == nil {
			t.Fatal("it started")
		}
		schema, start := slices.Index(asked, "POST /admin/v2/schemas/public/default/eventos-orden/schema"), slices.Index(asked, "POST /process/start/ordenes")
		if schema < 0 || start < schema {
			t.Errorf("%s: %s", order, strings.Join(asked, "\n"))
		}
	}
}
