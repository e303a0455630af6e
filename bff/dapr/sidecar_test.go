package dapr_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"entregas/services/internal/basetest"
)

// daprd is where the set-up puts the sidecar.
const daprd = "../../.local/.dapr/bin/daprd"

// sidecar runs a real daprd for app, which listens on puertoApp (0 for none), with the given resources. It gives its
// HTTP and gRPC ports. Without it, or in a run without services, the test is skipped.
func sidecar(t *testing.T, app string, puertoApp int, recursos string) (http, grpc string) {
	t.Helper()
	programa, err := filepath.Abs(daprd)
	if err == nil {
		_, err = os.Stat(programa)
	}
	if err != nil || os.Getenv(basetest.Variable) == "" {
		t.Skipf("hace falta %s, y %s: %v", daprd, basetest.Variable, err)
	}
	p := puertosLibres(t, 4)
	orden := exec.Command(programa, "--app-id", app, "--dapr-http-port", p[0], "--dapr-grpc-port", p[1], "--dapr-internal-grpc-port", p[2],
		"--metrics-port", p[3], "--dapr-listen-addresses", "127.0.0.1", "--resources-path", recursos, "--log-level", "warn",
		"--placement-host-address", "", "--scheduler-host-address", "")
	if puertoApp != 0 {
		orden.Args = append(orden.Args, "--app-port", strconv.Itoa(puertoApp), "--app-protocol", "http")
	}
	orden.Stdout, orden.Stderr = t.Output(), t.Output()
	if err := orden.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = orden.Process.Signal(syscall.SIGKILL)
		_ = orden.Wait()
	})
	esperar(t, "http://127.0.0.1:"+p[0]+"/v1.0/healthz/outbound", http204)
	return p[0], p[1]
}

func puertosLibres(t *testing.T, n int) []string {
	t.Helper()
	puertos := make([]string, n)
	for i := range puertos {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }() // all are held until all are found
		puertos[i] = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	}
	return puertos
}

func http204(r *http.Response) bool { return r.StatusCode == http.StatusNoContent }

func esperar(t *testing.T, url string, listo func(*http.Response) bool) {
	t.Helper()
	ultimo := fmt.Errorf("nada")
	for limite := time.Now().Add(20 * time.Second); time.Now().Before(limite); time.Sleep(50 * time.Millisecond) {
		peticion, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.DefaultClient.Do(peticion)
		if err != nil {
			ultimo = err
			continue
		}
		_ = r.Body.Close()
		if listo(r) {
			return
		}
		ultimo = fmt.Errorf("responde %d", r.StatusCode)
	}
	t.Fatalf("%s: %v", url, ultimo)
}
