package deployment

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// observe runs a program of tools/observe. It builds the program as tools/local does, so that the cache of go has the packages of both.
func observe(module string, env []string, args ...string) (string, error) {
	return runIn(append(env, "CGO_ENABLED=0", "GOFLAGS=-trimpath -tags=remove_all_sd"), "", append([]string{"-C", filepath.Join(root, "tools", "observe", module)}, args...)...)
}

// path returns the absolute path of a file of deploy/observability.
func path(t *testing.T, name ...string) string {
	t.Helper()
	p, err := filepath.Abs(filepath.Join(append([]string{root, "deploy", "observability"}, name...)...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func files(t *testing.T, name ...string) []string {
	t.Helper()
	list, err := filepath.Glob(path(t, name...))
	if err != nil || len(list) == 0 {
		t.Fatalf("no files %v: %v", name, err)
	}
	return list
}

type ruleFile struct {
	Groups []struct {
		Rules []struct {
			Alert, Record, Expr string
			Labels, Annotations map[string]string
		}
	}
}

// alerts returns the alerts of the text of rule files, with the errors in them that promtool does not see.
func alerts(t *testing.T, text string) (names, q []string) {
	t.Helper()
	var file ruleFile
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" {
				continue
			}
			names = append(names, r.Alert)
			if !slices.Contains([]string{"page", "ticket"}, r.Labels["severity"]) {
				q = append(q, r.Alert+": the label severity is neither page nor ticket")
			}
			if r.Annotations["runbook"] != "docs/runbooks/"+r.Alert+".md" {
				q = append(q, r.Alert+": the annotation runbook is not docs/runbooks/"+r.Alert+".md")
			} else if _, err := os.Stat(filepath.Join(root, r.Annotations["runbook"])); err != nil {
				q = append(q, r.Alert+": "+err.Error())
			}
			if r.Annotations["summary"] == "" {
				q = append(q, r.Alert+": no annotation summary")
			}
		}
	}
	return names, q
}

// Prometheus accepts the scrape configuration and the rules, the tests of the rules pass, and each alert has a test, a runbook and a
// severity.
func TestRules(t *testing.T) {
	promtool := func(args ...string) (string, error) {
		return observe("promtool", nil, append([]string{"tool", "promtool"}, args...)...)
	}
	if output, err := promtool("check", "config", path(t, "prometheus.yml")); err != nil {
		t.Error(err, output)
	}
	output, err := promtool(append([]string{"test", "rules"}, files(t, "rules", "tests", "*.yaml")...)...)
	if err != nil {
		t.Error(err, output)
	}
	tested := ""
	for _, f := range files(t, "rules", "tests", "*.yaml") {
		tested += text(t, "deploy", "observability", "rules", "tests", filepath.Base(f))
	}
	var all []string
	for _, f := range files(t, "rules", "*.yaml") {
		names, complaints := alerts(t, text(t, "deploy", "observability", "rules", filepath.Base(f)))
		for _, q := range complaints {
			t.Error(q)
		}
		all = append(all, names...)
	}
	for _, name := range all {
		fires := regexp.MustCompile(`alertname: ` + name + `\n\s+exp_alerts:\n\s+- `)
		if !fires.MatchString(tested) {
			t.Errorf("no test of deploy/observability/rules/tests lets %s fire", name)
		}
	}
	runbooks, _ := filepath.Glob(filepath.Join(root, "docs", "runbooks", "*.md"))
	for _, r := range runbooks {
		if name := strings.TrimSuffix(filepath.Base(r), ".md"); name != "README" && !slices.Contains(all, name) {
			t.Errorf("docs/runbooks/%s.md is of no alert", name)
		}
	}
	if _, complaints := alerts(t, "groups: [{rules: [{alert: Nothing, expr: up, annotations: {summary: s, runbook: docs/runbooks/"+"Nothing.md}}]}]"); len(complaints) != 2 {
		t.Errorf("an alert without severity and runbook was not refused: %v", complaints)
	}
}

// The collector accepts its configuration, with the second file of the local run and with that of a cluster. The file of Google's
// exporter needs the official program, so the test checks only that its pipeline names what exists.
func TestCollectorReadsItsConfigurations(t *testing.T) {
	validate := func(files ...string) (string, error) {
		args := []string{"run", ".", "validate"}
		for _, f := range files {
			args = append(args, "--config="+f)
		}
		return observe("collector", []string{"TRACES_URL=http://127.0.0.1:9411/api/v2/spans"}, args...)
	}
	base := path(t, "collector", "collector.yaml")
	for _, second := range []string{"", "local.yaml", "cluster.yaml"} {
		list := []string{base}
		if second != "" {
			list = append(list, path(t, "collector", second))
		}
		if output, err := validate(list...); err != nil {
			t.Errorf("with %q: %v %s", second, err, output)
		}
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("service: {pipelines: {traces: {processors: [tail_sampling]}}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := validate(base, bad); err == nil {
		t.Error("a pipeline with a processor that does not exist was not refused")
	}
	var google struct {
		Exporters map[string]any
		Service   struct {
			Pipelines map[string]struct{ Exporters []string }
		}
	}
	if err := yaml.Unmarshal([]byte(text(t, "deploy", "observability", "collector", "google.yaml")), &google); err != nil {
		t.Fatal(err)
	}
	if named := google.Service.Pipelines["traces"].Exporters; !slices.Equal(named, slices.Collect(maps.Keys(google.Exporters))) {
		t.Errorf("google.yaml sends to %v", named)
	}
}

// The profile observability starts the whole system, and only it starts what observes. .env names the other profiles: without
// --profile, nothing of it runs.
func TestObservabilityIsOffByDefault(t *testing.T) {
	var everything struct {
		Services map[string]composeService
	}
	if err := yaml.Unmarshal([]byte(text(t, "deploy", "compose.yaml")), &everything); err != nil {
		t.Fatal(err)
	}
	profiles := map[string]bool{}
	for name, s := range everything.Services {
		if name == "volumes" {
			continue
		}
		if !slices.Contains(s.Profiles, "observability") {
			t.Errorf("--profile observability does not start %s", name)
		}
		for _, p := range s.Profiles {
			profiles[p] = true
		}
	}
	m := regexp.MustCompile(`(?m)^COMPOSE_PROFILES=(\S+)$`).FindStringSubmatch(text(t, "deploy", ".env"))
	if m == nil {
		t.Fatal("deploy/.env names no profiles")
	}
	named := strings.Split(m[1], ",")
	delete(profiles, "observability")
	slices.Sort(named)
	if want := slices.Sorted(maps.Keys(profiles)); !slices.Equal(named, want) {
		t.Errorf("deploy/.env names the profiles %v and compose.yaml has %v", named, want)
	}
}

// Prometheus of compose reads each program and each sidecar at its address.
func TestComposeScrapesEveryProgram(t *testing.T) {
	var targets []struct {
		Targets []string
		Labels  map[string]string
	}
	if err := yaml.Unmarshal([]byte(text(t, "deploy", "observability", "targets-compose.yaml")), &targets); err != nil {
		t.Fatal(err)
	}
	has := map[string]string{}
	for _, x := range targets {
		has[x.Labels["job"]+" "+x.Labels["app"]] = strings.Join(x.Targets, " ")
	}
	for id, a := range readCode(t).apps {
		want := map[string]string{"services": id + ":" + strconv.Itoa(a.port), "sidecars": id + ":9090"}
		if id == "bff" {
			want["services"] = "bff:9464" // not its public port
		}
		for job, address := range want {
			if has[job+" "+id] != address {
				t.Errorf("targets-compose.yaml has %q for %s %s, and it is %s", has[job+" "+id], job, id, address)
			}
		}
	}
}

// The overlay with the component observability has the rules and the dashboards of deploy/observability.
func TestClusterHasTheRulesAndTheDashboards(t *testing.T) {
	m := build(t, "local-observability")
	o, found := m.search("PrometheusRule", "entregas")
	if !found {
		t.Fatal("there is no PrometheusRule")
	}
	spec, err := yaml.Marshal(read[map[string]any](o))
	if err != nil {
		t.Fatal(err)
	}
	here, _ := alerts(t, string(spec))
	var all []string
	for _, f := range files(t, "rules", "*.yaml") {
		names, _ := alerts(t, text(t, "deploy", "observability", "rules", filepath.Base(f)))
		all = append(all, names...)
	}
	if !slices.Equal(here, all) {
		t.Errorf("the cluster has the alerts %v and deploy/observability %v: make generate", here, all)
	}
	dashboards, _ := m.search("ConfigMap", "dashboards")
	made, _ := filepath.Glob(path(t, "dashboards", "*.json"))
	for _, f := range made {
		if _, found := dashboards.Data[filepath.Base(f)]; !found {
			t.Errorf("deploy/observability/dashboards/kustomization.yaml does not list %s", filepath.Base(f))
		}
	}
	if len(dashboards.Data) != len(made) {
		t.Errorf("the cluster has %d dashboards, and there are %d", len(dashboards.Data), len(made))
	}
}

// Where traces are recorded, operators get links to the pages that show them, and the bff shows its metrics apart from its public port.
// Without it they get no link to a page that is not there. 16686 and 3000 are the ports on which compose and the port-forwards serve Jaeger
// and Grafana.
func TestOperatorsFindTheTraces(t *testing.T) {
	links := map[string]string{"TRACES_URL": "http://127.0.0.1:16686/", "TRACE_URL": "http://127.0.0.1:16686/trace/{traza}", "DASHBOARDS_URL": "http://127.0.0.1:3000/"}
	var everything struct {
		Services map[string]composeService
	}
	if err := yaml.Unmarshal([]byte(text(t, "deploy", "compose.yaml")), &everything); err != nil {
		t.Fatal(err)
	}
	check := func(where string, env map[string]string, want func(address string) string) {
		if env["METRICS_PORT"] != "9464" {
			t.Errorf("%s: the bff shows its metrics on %q", where, env["METRICS_PORT"])
		}
		for name, address := range links {
			if got := env[name]; got != want(address) {
				t.Errorf("%s: %s is %q, want %q", where, name, got, want(address))
			}
		}
	}
	check("compose", everything.Services["bff"].Environment, func(address string) string { return "${OTEL_EXPORTER_OTLP_ENDPOINT:+" + address + "}" })
	for overlay, want := range map[string]func(string) string{
		"local":               func(string) string { return "" },
		"local-observability": func(address string) string { return address },
	} {
		env := map[string]string{}
		for _, w := range build(t, overlay).workloads() {
			if w.Kind == "Deployment" && w.Metadata.Name == "bff" {
				for _, e := range w.Spec.Containers[0].Env {
					env[e.Name] = e.Value
				}
			}
		}
		check(overlay, env, want)
	}
}
