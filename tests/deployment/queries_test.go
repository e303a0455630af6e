package deployment

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"entregas/tests/metrics"
)

var (
	chosen  = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})?(\s*\()?`)
	matcher = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	lists   = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)|\[[^\]]*\]`)
	legends = regexp.MustCompile(`\{\{\s*([a-z_]+)\s*\}\}`)
)

// elsewhere are the metrics that this machine has not, with the reason.
var elsewhere = map[string]string{
	"node_": "node_exporter, in a cluster", "kubelet_": "the kubelet, in a cluster",
	"dapr_scheduler_jobs_failed_total": "appears with the first failure", "dapr_scheduler_jobs_undelivered_total": "appears with the first failure",
	"entregas_compensations_total": "appears with the first compensation", "entregas_retries_total": "appears with the first retry",
	"entregas_late_replies_total": "appears with the first late reply",
}

// store is a running store of metrics.
type store string

// ask returns the label sets of the series of a query.
func (s store) ask(t *testing.T, query string) []map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, string(s)+"/api/v1/query?query="+url.QueryEscape(query), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Error string
		Data  struct {
			Result []struct{ Metric map[string]string }
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Error != "" {
		t.Errorf("%s: %v %s", query, err, answer.Error)
	}
	var all []map[string]string
	for _, r := range answer.Data.Result {
		all = append(all, r.Metric)
	}
	return all
}

// panel is what is read of a panel of a dashboard.
type panel struct {
	Title   string
	Targets []struct{ Expr, LegendFormat string }
}

// panels returns the panels of all dashboards; the title begins with the file.
func panels(t *testing.T) (all []panel) {
	t.Helper()
	paths, err := filepath.Glob(path(t, "dashboards", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range paths {
		var board struct{ Panels []panel }
		if err := json.Unmarshal([]byte(text(t, "deploy", "observability", "dashboards", filepath.Base(f))), &board); err != nil {
			t.Fatal(err)
		}
		for _, p := range board.Panels {
			p.Title = filepath.Base(f) + " " + p.Title
			all = append(all, p)
		}
	}
	return all
}

// selectors returns the metrics of a query with the names of the labels that it selects by.
func selectors(query string) map[string][]string {
	found := map[string][]string{}
	for _, m := range chosen.FindAllStringSubmatch(lists.ReplaceAllString(query, " "), -1) {
		name, labels := m[1], matcher.FindAllStringSubmatch(m[2], -1)
		if m[3] != "" || len(metrics.Names(name)) == 0 {
			continue
		}
		found[name] = append(found[name], "")
		for _, l := range labels {
			found[name] = append(found[name], l[1])
		}
	}
	return found
}

// Each metric of a rule and of a panel exists on the running system, with each label by which it is selected. A query of
// a panel has data, or nothing has happened yet that it counts. Each label of a legend is a label of its series. Failure prevented: a panel
// that stays empty, and an alert that never fires, because a name is wrong. Command: make test-observe.
func TestQueriesOnTheRunningSystem(t *testing.T) {
	metrics, asked := store(os.Getenv("PROMETHEUS_URL")), 0
	if metrics == "" {
		t.Skip("PROMETHEUS_URL is not set: make observe, make test-observe")
	}
	known := map[string]bool{}
	exists := func(query string) bool {
		if _, asked := known[query]; !asked {
			known[query] = len(metrics.ask(t, query)) > 0
		}
		return known[query]
	}
	for where, list := range queries(t) {
		for _, q := range list {
			for name, labels := range selectors(q) {
				asked++
				if slices.ContainsFunc(slices.Collect(maps.Keys(elsewhere)), func(prefix string) bool { return strings.HasPrefix(name, prefix) }) && !exists(name) {
					continue
				}
				for _, label := range labels {
					one := name
					if label != "" {
						one += "{" + label + `!=""}`
					}
					if !exists(one) {
						t.Errorf("%s: no series of %s", where, one)
					}
				}
			}
		}
	}
	for _, p := range panels(t) {
		for _, x := range p.Targets {
			series := metrics.ask(t, strings.NewReplacer("$__rate_interval", "1m", `"$app"`, `".+"`).Replace(x.Expr))
			if len(series) == 0 {
				t.Logf("nothing now: %s: %s", p.Title, x.Expr)
				continue
			}
			for _, l := range legends.FindAllStringSubmatch(x.LegendFormat, -1) {
				if !slices.ContainsFunc(series, func(s map[string]string) bool { return s[l[1]] != "" }) {
					t.Errorf("%s: the legend %s names a label that no series has", p.Title, x.LegendFormat)
				}
			}
		}
	}
	if asked < 50 {
		t.Errorf("only %d metrics were looked for", asked)
	}
}
