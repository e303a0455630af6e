package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"entregas/tests/client"
)

// alertsOf returns the names of the alerts of the rules.
func alertsOf(t *testing.T) (names []string) {
	t.Helper()
	local, err := client.NewLocal("chaos")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(local.Root, "deploy", "observability", "rules", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no rules", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []struct{ Rules []struct{ Alert string } }
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				if r.Alert != "" && !slices.Contains(names, r.Alert) {
					names = append(names, r.Alert)
				}
			}
		}
	}
	return names
}

// A class provokes each alert, or the list of those that no class provokes says why. No class expects an alert that does not exist.
func TestEachAlertIsProvoked(t *testing.T) {
	provoked := map[string]bool{}
	rules := alertsOf(t)
	for _, k := range alertClasses() {
		if len(k.alerts) == 0 {
			t.Errorf("%s: no alert is expected", k.what)
		}
		for _, e := range k.alerts {
			provoked[e.name] = true
			if !slices.Contains(rules, e.name) {
				t.Errorf("%s expects %s, and no rule has this name", k.what, e.name)
			}
		}
	}
	for _, name := range rules {
		if provoked[name] == (notProvoked[name] != "") {
			t.Errorf("%s: provoked %v, and the reason why not is %q", name, provoked[name], notProvoked[name])
		}
	}
	for name := range notProvoked {
		if !slices.Contains(rules, name) {
			t.Errorf("%s of notProvoked is no alert", name)
		}
	}
}

// Each fault of the catalog belongs to a class of the test of the alerts, or the list of those without an alert says why.
func TestEachFaultHasItsAlert(t *testing.T) {
	patterns := map[string]int{}
	for _, k := range alertClasses() {
		if k.covers != "" {
			patterns[k.covers] = 0
		}
	}
	for p, why := range withoutAlert {
		if why == "" {
			t.Errorf("%s: no reason", p)
		}
		patterns[p] = 0
	}
	for _, f := range catalog() {
		found := false
		for p := range patterns {
			if regexp.MustCompile(p).MatchString(f.what) {
				patterns[p]++
				found = true
			}
		}
		if !found {
			t.Errorf("%s: which alert fires?", f.what)
		}
	}
	for p, n := range patterns {
		if n == 0 {
			t.Errorf("%s matches no fault of the catalog", p)
		}
	}
}

// The scaled rules are the rules of the project with shorter windows and lower limits, and record series of their own.
func TestScaledRules(t *testing.T) {
	local, err := client.NewLocal("chaos")
	if err != nil {
		t.Fatal(err)
	}
	all, err := scaledRules(local.Root)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range all {
		var file map[string]any
		if err := yaml.Unmarshal([]byte(text), &file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s := scaleWindows(`rate(a[5m]) / rate(a[3d]) + b[30d] > slo:sli_error:ratio_rate1h{sloth_id="entregas-accept"}`); s != `rate(a[15s]) / rate(a[12960s]) + b[30d] > slo:sli_error:ratio_rate1h{sloth_id="entregas-accept-scaled"}` {
		t.Error(s)
	}
	if strings.Contains(all["slos.yaml"], `"entregas-accept"`) || strings.Contains(all["slos.yaml"], "[5m]") {
		t.Error("slos.yaml is not scaled")
	}
	for _, s := range speedups {
		if s.why == "" || !strings.Contains(all[s.file], s.scaled) || strings.Contains(all[s.file], s.real) {
			t.Errorf("%s is not scaled", s.real)
		}
	}
	for _, k := range alertClasses() {
		for _, e := range k.alerts {
			known := strings.HasPrefix(e.name, "Purchases") || slices.Contains([]string{"DeadLetterIsOld", "ApprovalNearDeadline", "ReconcilerSilent", "DeliveryFails"}, e.name)
			if e.fast != known {
				t.Errorf("%s: %s is scaled: %v", k.what, e.name, e.fast)
			}
		}
	}
}

func TestOutcomes(t *testing.T) {
	o := outcome{fires: fireWithin, clears: clearWithin}
	if o.failed() {
		t.Error("within the limits")
	}
	for _, o := range []outcome{{fires: -1, clears: 1}, {fires: fireWithin + 1, clears: 1}, {fires: 1, clears: -1}, {fires: 1, clears: clearWithin + 1}} {
		if !o.failed() {
			t.Errorf("%+v does not fail", o)
		}
	}
	e := fires("TargetDown", "job=services", "app=bff")
	if a := (alert{name: "TargetDown", labels: map[string]string{"job": "services", "app": "bff", "instance": "x"}}); !e.is(a) || e.is(alert{name: "TargetDown", labels: map[string]string{"job": "sidecars", "app": "bff"}}) || e.is(alert{name: a.name, labels: a.labels, fast: true}) {
		t.Error("an alert is told by its name, its labels and its rules")
	}
	if d := fires("DiskNearlyFull", "mountpoint=*/postgres"); !d.is(alert{name: d.name, labels: map[string]string{"mountpoint": "/x/postgres"}}) || d.is(alert{name: d.name, labels: map[string]string{"mountpoint": "/"}}) {
		t.Error("the end of a label tells an alert")
	}
	if _, err := chosenClasses("no such class"); err == nil {
		t.Error("a name of no class was not refused")
	}
	for _, k := range alertClasses() {
		if strings.Contains(k.what, "|") {
			t.Errorf("%s breaks the table", k.what)
		}
	}
}

// Each fault of the catalog that a class causes exists.
func TestNamedFaultsExist(t *testing.T) {
	source, err := os.ReadFile("alertclasses.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range regexp.MustCompile(`ongoing\("([^"]+)"(?: \+ app)?\)`).FindAllStringSubmatch(string(source), -1) {
		n++
		name := m[1]
		if strings.HasSuffix(name, " ") {
			name += "bff"
		}
		if _, err := named(name); err != nil {
			t.Error(err)
		}
	}
	if n < 10 {
		t.Errorf("%d names were found", n)
	}
}
