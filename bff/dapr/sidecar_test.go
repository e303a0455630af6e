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

	"entregas/internal/databasetest"
)

// daprd is the path at which the set-up installs the sidecar.
const daprd = "../../.local/.dapr/bin/daprd"

// sidecar runs a real daprd for app, which listens on appPort (0 for none), with the given resources. It returns the
// HTTP and gRPC ports. The test is skipped where daprd is not installed, or in a short run.
func sidecar(t *testing.T, app string, appPort int, resources string) (http, grpc string) {
	t.Helper()
	program, err := filepath.Abs(daprd)
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil || os.Getenv(databasetest.Variable) == "" {
		t.Skipf("%s and %s are needed: %v", daprd, databasetest.Variable, err)
	}
	p := freePorts(t, 4)
	cmd := exec.Command(program, "--app-id", app, "--dapr-http-port", p[0], "--dapr-grpc-port", p[1], "--dapr-internal-grpc-port", p[2],
		"--metrics-port", p[3], "--dapr-listen-addresses", "127.0.0.1", "--resources-path", resources, "--log-level", "warn",
		"--placement-host-address", "", "--scheduler-host-address", "")
	if appPort != 0 {
		cmd.Args = append(cmd.Args, "--app-port", strconv.Itoa(appPort), "--app-protocol", "http")
	}
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
	})
	wait(t, "http://127.0.0.1:"+p[0]+"/v1.0/healthz/outbound", http204)
	return p[0], p[1]
}

func freePorts(t *testing.T, n int) []string {
	t.Helper()
	ports := make([]string, n)
	for i := range ports {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }() // each port stays taken until all ports are found
		ports[i] = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func http204(r *http.Response) bool { return r.StatusCode == http.StatusNoContent }

func wait(t *testing.T, url string, ready func(*http.Response) bool) {
	t.Helper()
	last := fmt.Errorf("no answer")
	for limit := time.Now().Add(20 * time.Second); time.Now().Before(limit); time.Sleep(50 * time.Millisecond) {
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.DefaultClient.Do(request)
		if err != nil {
			last = err
			continue
		}
		_ = r.Body.Close()
		if ready(r) {
			return
		}
		last = fmt.Errorf("status %d", r.StatusCode)
	}
	t.Fatalf("%s: %v", url, last)
}
