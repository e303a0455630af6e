package deployment

import (
	"regexp"
	"testing"
	"time"
)

// Compose, Kubernetes and tools/local give a program enough time for its stop. A stop takes STOP_NOTICE and the time of the open
// requests. In a pod it also takes the preStop hook and the stop of the sidecar.
func TestAStopHasItsTime(t *testing.T) {
	read := func(expression string, file ...string) time.Duration {
		t.Helper()
		m := regexp.MustCompile(expression).FindStringSubmatch(text(t, file...))
		if m == nil {
			t.Fatalf("%v has no %s", file, expression)
		}
		value := m[1]
		if value[len(value)-1] != 's' {
			value += "s"
		}
		d, err := time.ParseDuration(value)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	notice := read(`env:STOP_NOTICE,default:(\w+)`, "bff", "main.go")
	program := notice + read(`env:SHUTDOWN_TIMEOUT,default:(\w+)`, "internal", "app", "app.go")
	pod := []string{"deploy", "k8s", "base", "common", "service.yaml"}
	before := read(`preStop:[^\n]*\n\s*sleep:\n\s*seconds: (\d+)`, pod...)
	sidecar := read(`dapr.io/graceful-shutdown-seconds: "(\d+)"`, pod...)
	for _, c := range []struct {
		where        string
		given, needs time.Duration
	}{
		{"k8s, terminationGracePeriodSeconds", read(`terminationGracePeriodSeconds: (\d+)`, pod...), before + program + sidecar},
		{"compose, stop_grace_period of a program", read(`stop_grace_period: (\w+) # above SHUTDOWN_TIMEOUT`, "deploy", "compose.yaml"), program},
		{"tools/local", read(`\{app, (\d+) \* time.Second\}`, "tools", "local", "service.go"), program},
	} {
		if c.given <= c.needs {
			t.Errorf("%s gives %s, and a stop takes up to %s", c.where, c.given, c.needs)
		}
	}
	// The senders of requests must know of the stop before the program refuses requests. The balancer reads /readyz during the notice,
	// and kube-proxy learns of the stop during the preStop hook.
	asks := read(`period\s+= (\d+) \* time.Millisecond`, "tests", "balancer", "balancer.go") / 1000
	if notice < 2*asks || before < 3*time.Second {
		t.Errorf("the notice of %s and the %s before it are too short: callers still call", notice, before)
	}
}
