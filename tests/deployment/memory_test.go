package deployment

import (
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// GOMEMLIMIT must be between these shares of the container's limit. Above mostOfLimit the kernel kills a program before it collects
// its garbage. Below leastOfLimit the program leaves memory unused.
const (
	mostOfLimit  = 0.8
	leastOfLimit = 0.5
)

// memory checks that each of our programs and each sidecar has a GOMEMLIMIT. It must leave part of the limit to memory that Go does
// not count.
func memory(_ *code, m, _ *manifests) []string {
	var q complaints
	for _, d := range m.workloads() {
		if !d.isService() {
			continue
		}
		for _, x := range d.Spec.Containers {
			if x.Name != "app" {
				continue
			}
			said := ""
			for _, e := range x.Env {
				if e.Name == "GOMEMLIMIT" {
					said = e.Value
				}
			}
			q.when(!leavesRoom(said, x.Resources.Limits["memory"]), "%s: GOMEMLIMIT is %q and its limit %q", d, said, x.Resources.Limits["memory"])
		}
		said, _ := strings.CutPrefix(strings.Split(d.Pod.Annotations["dapr.io/env"], ",")[0], "GOMEMLIMIT=")
		limit := d.Pod.Annotations["dapr.io/sidecar-memory-limit"]
		q.when(!leavesRoom(said, limit), "%s: the GOMEMLIMIT of its sidecar is %q and its limit %q", d, said, limit)
	}
	return q
}

// leavesRoom compares a GOMEMLIMIT such as 96MiB with a limit, in every notation of Kubernetes and compose.
func leavesRoom(said, limit string) bool {
	a, b := mebibytes(said), mebibytes(limit)
	return a >= leastOfLimit*b && a <= mostOfLimit*b && b > 0
}

func mebibytes(s string) float64 {
	number := strings.TrimRight(s, "MimB")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || number == s {
		return 0
	}
	return n
}

// In compose.yaml too, each program of ours and each sidecar has a GOMEMLIMIT that fits its memory limit.
func TestComposeMemory(t *testing.T) {
	var all struct{ Services map[string]composeService }
	if err := yaml.Unmarshal([]byte(text(t, "deploy", "compose.yaml")), &all); err != nil {
		t.Fatal(err)
	}
	for name, s := range all.Services {
		if s.Environment["APP_PORT"] == "" && !strings.HasPrefix(s.Image, "daprio/") {
			continue
		}
		if said := s.Environment["GOMEMLIMIT"]; !leavesRoom(said, s.MemLimit) {
			t.Errorf("%s: GOMEMLIMIT is %q and its limit %q", name, said, s.MemLimit)
		}
	}
	for said, limit := range map[string]string{"112MiB": "128m", "": "128m", "20MiB": "128m", "96": "128m"} {
		if leavesRoom(said, limit) {
			t.Errorf("%q of %q was not refused", said, limit)
		}
	}
}
