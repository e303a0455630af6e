package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Compose and the local run read the same programs under the same labels: a rule or a dashboard works in both.
func TestTargetsAreThoseOfCompose(t *testing.T) {
	in := instanceOf(t, "up")
	text, err := os.ReadFile(filepath.Join(in.Root, "deploy", "observability", "targets-compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var compose []target
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	names := func(list []target) (all []string) {
		for _, x := range list {
			if x.Labels["app"] != "alerts" { // vmalert. In compose, Prometheus evaluates the rules.
				all = append(all, x.Labels["job"]+" "+x.Labels["app"])
			}
		}
		slices.Sort(all)
		return all
	}
	if local, other := names(in.targets()), names(compose); !slices.Equal(local, other) {
		t.Errorf("here %v\nin compose %v", local, other)
	}
}

// While nothing observes the system, its programs send no trace. The user's own collector wins over that of make observe.
func TestTracesGoToTheCollectorOnlyWhileItIsOn(t *testing.T) {
	in := instanceOf(t, "up")
	in.Dir, in.settings = t.TempDir(), map[string]string{}
	bff, err := in.service("bff")
	if err != nil {
		t.Fatal(err)
	}
	sends := func() string {
		for _, v := range in.telemetryEnv(bff) {
			if value, found := strings.CutPrefix(v, "OTEL_EXPORTER_OTLP_ENDPOINT="); found {
				return value
			}
		}
		return ""
	}
	if a := sends(); a != "" {
		t.Errorf("off, and traces go to %s", a)
	}
	if err := os.WriteFile(in.observeMark(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if a := sends(); a != "http://127.0.0.1:4317" {
		t.Errorf("on, and traces go to %q", a)
	}
	in.settings[collectorSetting] = "https://collector.example:4317"
	if a := sends(); a != "https://collector.example:4317" {
		t.Errorf("with a collector of the user, traces go to %q", a)
	}
}

// Only the disks with the data of an instance are watched: a full disk of somebody else is no alert.
func TestWatchedDisks(t *testing.T) {
	re := regexp.MustCompile(disks("/proc/1/x.y"))
	for mount, want := range map[string]bool{"/proc/1/x.y/data/postgres": true, "/proc/1/xzy/data": false, "/mnt/stick": false} {
		if re.MatchString(mount) != want {
			t.Errorf("%s is watched: %v", mount, !want)
		}
	}
	if re := regexp.MustCompile(disks("/proc/self")); !re.MatchString("/proc") || re.MatchString("/") {
		t.Errorf("the mount point of /proc/self is not found: %s", re)
	}
}

func TestADashboardOfGrafanaIsShownHere(t *testing.T) {
	source, shown := t.TempDir(), t.TempDir()
	dashboard := `{"title": "A service", "templating": {"list": [{"name": "app"}, {"name": "window"}]}, "panels": [
		{"type": "timeseries", "title": "right", "gridPos": {"x": 12, "y": 1, "w": 12}, "targets": [{"expr": "up{app=~\"$app\"}", "legendFormat": "{{app}}"}], "fieldConfig": {"defaults": {"unit": "percentunit"}}},
		{"type": "timeseries", "title": "left", "gridPos": {"x": 0, "y": 1, "w": 8}, "fieldConfig": {"defaults": {"unit": "s"}},
		 "targets": [{"expr": "rate(a_total{app=\"${app:regex}\",b=\"x\"}[$__rate_interval])"}, {"expr": "rate(b[${window}])"}]},
		{"type": "text", "title": "words", "gridPos": {"x": 0, "y": 0, "w": 24}},
		{"type": "row", "title": "Folded", "gridPos": {"x": 0, "y": 9, "w": 24}, "panels": [{"type": "stat", "title": "n", "gridPos": {"w": 2}, "targets": [{"expr": "count(up)"}]}]}]}`
	for path, text := range map[string]string{filepath.Join(source, "service.json"): dashboard, filepath.Join(shown, "earlier.json"): "{}"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := convertDashboards(source, shown); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(shown, "earlier.json")); err == nil {
		t.Error("a dashboard that no longer exists is still shown")
	}
	text, err := os.ReadFile(filepath.Join(shown, "service.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got vmuiDashboard
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != 1 || len(got.Rows[0].Panels) != 3 || got.Rows[0].Panels[2].Width != 3 {
		t.Fatalf("%s", text)
	}
	left, right := got.Rows[0].Panels[0], got.Rows[0].Panels[1]
	if left.Title != "left" || left.Unit != "s" || left.Width != 4 || !slices.Equal(left.Expr, []string{`rate(a_total{app=~".*",b="x"}[1m])`, "rate(b[1m])"}) {
		t.Errorf("%+v", left)
	}
	if right.Title != "right" || !slices.Equal(right.Alias, []string{"{{app}}"}) || right.Unit != "%" || !slices.Equal(right.Expr, []string{`(up{app=~".*"}) * 100`}) {
		t.Errorf("%+v", right)
	}
}
