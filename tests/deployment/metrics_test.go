package deployment

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"entregas/tests/metrics"
)

var (
	identifier = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*\s*\(?`)
	routeLabel = regexp.MustCompile(`http_route="([^"]+)"`)
	serie      = regexp.MustCompile(`_(?:bucket|sum|count)$`)
)

// queries returns the queries of the rules and of the dashboards, by where they are.
func queries(t *testing.T) map[string][]string {
	t.Helper()
	all, err := metrics.Queries(root)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Each metric of a rule or of a dashboard is in the catalogue, in the list of the metrics of libraries, or recorded by a rule.
func TestMetricsOfRulesAndDashboards(t *testing.T) {
	if names := metrics.Names(`max by (app) (a_total{x="b"}) / ignoring (y) group_left c:d > 3 or e[5m] unless on (z) vector(0) == bool 1`); !slices.Equal(names, []string{"a_total", "c:d", "e"}) {
		t.Fatalf("metrics.Names finds %v", names)
	}
	catalogue, err := os.ReadFile(filepath.Join(root, "docs", "metrics.md"))
	ours := map[string]bool{}
	for _, name := range identifier.FindAllString(string(catalogue), -1) {
		ours[strings.TrimSpace(name)] = true
	}
	for _, name := range strings.Fields(text(t, "deploy", "observability", "library-metrics.txt")) {
		ours[name] = true
	}
	list := queries(t)
	for where := range list {
		if name := where[strings.LastIndex(where, " ")+1:]; strings.Contains(name, ":") {
			ours[name] = true
		}
	}
	for where, qs := range list {
		for _, q := range qs {
			for _, name := range metrics.Names(q) {
				missing := !ours[name] && !ours[serie.ReplaceAllString(name, "")]
				if missing && (err == nil || !strings.HasPrefix(name, "entregas_")) { // without the catalogue, the metrics of libraries only
					t.Errorf("%s: %s is neither in the catalogue nor in deploy/observability/library-metrics.txt", where, name)
				}
			}
		}
	}
}

// Each route that a rule or a dashboard names is one of the public interface: a series with another label never exists.
func TestRoutesOfRulesAndDashboards(t *testing.T) {
	contract, err := os.ReadFile(filepath.Join(root, "contracts", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Servers []struct{ URL string }
		Paths   map[string]any
	}
	if err := yaml.Unmarshal(contract, &api); err != nil {
		t.Fatal(err)
	}
	n := 0
	for where, qs := range queries(t) {
		for _, q := range qs {
			for _, m := range routeLabel.FindAllStringSubmatch(q, -1) {
				n++
				if path, ok := strings.CutPrefix(m[1], api.Servers[0].URL); !ok || api.Paths[path] == nil {
					t.Errorf("%s: the public interface has no route %s", where, m[1])
				}
			}
		}
	}
	if n == 0 {
		t.Error("no rule names a route")
	}
}

// The rules of the objectives are those that sloth made of slos.yaml: their first line has the checksum of both.
func TestRulesOfTheObjectivesAreFresh(t *testing.T) {
	rules := text(t, "deploy", "observability", "rules", "slos.yaml")
	first, body, _ := strings.Cut(rules, "\n")
	inputs := text(t, "deploy", "observability", "slos.yaml") + text(t, "tools", "observe", "slo", "go.mod") + text(t, "tools", "observe", "slo", "generate.sh")
	if want := fmt.Sprintf("# checksum: %x", sha256.Sum256([]byte(inputs+body))); first != want {
		t.Error("deploy/observability/rules/slos.yaml is not what sloth made of slos.yaml: make generate")
	}
}
