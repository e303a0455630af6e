package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"entregas/contracts"
	"entregas/tests/metrics"
	. "entregas/tests/testkit"
)

// target is a program that Prometheus reads, and what it served.
type target struct {
	job, app, url string
	text          string
	metrics.Scrape
}

// scraped reads every target of the instance once.
func scraped(ctx context.Context, s *System) (all []target, err error) {
	for one := range strings.SplitSeq(s.Env.Scraped, ",") {
		who, url, _ := strings.Cut(one, "=")
		job, app, _ := strings.Cut(who, "/")
		text, status, err := get(ctx, url)
		if err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("%s: %d %w", url, status, err)
		}
		all = append(all, target{job, app, url, text, metrics.Read(text)})
	}
	return all, nil
}

func get(ctx context.Context, url string) (text string, status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", 0, err
	}
	response, err := anybody.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(response.Body)
	return string(b), response.StatusCode, err
}

// eventual are metrics that a run without faults need not have, with the reason.
var eventual = map[string]string{
	"entregas_drain_seconds":                "absent while a queue does not get shorter",
	"dapr_scheduler_jobs_failed_total":      "comes with the first failure",
	"dapr_scheduler_jobs_undelivered_total": "comes with the first failure",
}

// Every program serves what docs/metrics.md says, with these labels, and nothing else of ours, by the conventions of Prometheus. The queries
// of rules and dashboards find their metrics and labels. The public port serves none.
func TestMetricsOfTheRunningSystem(t *testing.T) {
	t.Parallel()
	s := Open(t)
	if s.Env.Scraped == "" {
		t.Skip("not an instance on this machine")
	}
	catalogue := metrics.Catalogue(read(t, s, "docs", "metrics.md"))
	if len(catalogue) < 40 {
		t.Fatalf("the catalogue has %d metrics", len(catalogue))
	}
	s.Restock(t, map[string]int{"1": 20})
	usuario := Usuario(t)
	confirmed := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: usuario, Productos: []contracts.Linea{Linea("1", 1)}})
	s.Wait(t, confirmed, contracts.EstadoConfirmada)
	if _, err := s.BFF.Cancelar(t.Context(), confirmed, ""); err != nil { // a second end
		t.Fatal(err)
	}
	s.Wait(t, confirmed, contracts.EstadoCancelada)

	var targets []target
	var problems []string
	for begun := time.Now(); ; time.Sleep(time.Second) { // rates come after half a minute, and reconcilers have rounds
		ctx, release := context.WithTimeout(t.Context(), Deadline)
		var err error
		if targets, err = scraped(ctx, s); err != nil {
			problems = []string{err.Error()}
		} else {
			problems = compare(catalogue, targets)
		}
		release()
		if len(problems) == 0 || time.Since(begun) > Deadline {
			break
		}
	}
	for _, p := range problems {
		t.Error(p)
	}
	for _, one := range targets {
		if one.job != "services" {
			continue
		}
		found, err := promlint.New(strings.NewReader(one.text)).Lint()
		for _, p := range found {
			err = errors.Join(err, fmt.Errorf("%s: %s", p.Metric, p.Text))
		}
		if err != nil {
			t.Errorf("%s: %v", one.app, err)
		}
	}
	for _, p := range used(t, s, targets) {
		t.Error(p)
	}
	for _, path := range []string{"/metrics", "/metrics/", "//metrics"} {
		if text, status, err := get(t.Context(), s.Env.BFF+path); err != nil || status == http.StatusOK || strings.Contains(text, "# HELP") {
			t.Errorf("the public port, %s: %d %v %.100s", path, status, err, text)
		}
	}
}

func read(t *testing.T, s *System, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{s.Env.Root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// compare compares what the services serve with the catalogue, in both directions.
func compare(catalogue []metrics.Documented, targets []target) (problems []string) {
	fail := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	anywhere := map[string]bool{}
	for _, one := range targets {
		if one.job != "services" {
			continue
		}
		served := one.Metrics()
		for name, labels := range served {
			anywhere[name] = true
			i := slices.IndexFunc(catalogue, func(d metrics.Documented) bool { return d.Matches(name) })
			switch {
			case i < 0:
				fail("%s serves %s, which docs/metrics.md does not have", one.app, name)
			case strings.HasPrefix(name, "entregas_") && !catalogue[i].IsOf(one.app):
				fail("%s serves %s, which docs/metrics.md has for %s", one.app, name, catalogue[i].Of)
			case strings.HasSuffix(catalogue[i].Name, "*"): // of a library
			case !slices.Equal(labels, catalogue[i].Labels):
				fail("%s serves %s with the labels %v; docs/metrics.md has %v", one.app, name, labels, catalogue[i].Labels)
			case one.Types[name] != "" && !strings.Contains(catalogue[i].Type, one.Types[name]):
				fail("%s serves %s as a %s; docs/metrics.md has %s", one.app, name, one.Types[name], catalogue[i].Type)
			}
		}
		for _, d := range catalogue {
			if strings.HasPrefix(d.Name, "entregas_") && d.IsOf(one.app) && served[d.Name] == nil && eventual[d.Name] == "" {
				fail("%s does not serve %s", one.app, d.Name)
			}
		}
	}
	for _, d := range catalogue {
		found := false
		for name := range anywhere {
			found = found || d.Matches(name)
		}
		if !found && eventual[d.Name] == "" {
			fail("no service serves %s", d.Name)
		}
	}
	return problems
}

// ofTarget are the labels that a scrape adds.
var ofTarget = []string{"job", "app", "instance"}

// scrapable begins the names of the metrics that programs of a run without `make observe` serve.
var scrapable = []string{"entregas_", "dapr_", "pulsar_", "go_", "process_", "http_server_", "pgxpool_"}

// used compares the queries of rules and dashboards, and the list of the metrics of libraries, with what is served.
func used(t *testing.T, s *System, targets []target) (problems []string) {
	t.Helper()
	served := map[string]map[string]bool{}
	for _, one := range targets {
		for name, labels := range one.Labels {
			if served[name] == nil {
				served[name] = map[string]bool{}
			}
			for l := range labels {
				served[name][l] = true
			}
		}
	}
	isScrapable := func(name string) bool {
		return slices.ContainsFunc(scrapable, func(begin string) bool { return strings.HasPrefix(name, begin) })
	}
	lacks := func(name string) bool { return isScrapable(name) && served[name] == nil && eventual[name] == "" }
	for line := range strings.Lines(read(t, s, "deploy", "observability", "library-metrics.txt")) {
		name := strings.TrimSpace(line)
		if lacks(name) && served[name+"_count"] == nil {
			problems = append(problems, name+" of library-metrics.txt is served by no program")
		}
	}
	queries, err := metrics.Queries(s.Env.Root)
	if err != nil {
		t.Fatal(err)
	}
	for where, list := range queries {
		for _, q := range list {
			known, all := map[string]bool{}, true
			for _, name := range metrics.Names(q) {
				if lacks(name) {
					problems = append(problems, fmt.Sprintf("%s: no program serves %s", where, name))
				}
				all = all && served[name] != nil
				for l := range served[name] {
					known[l] = true
				}
			}
			for name, labels := range metrics.Selected(q) {
				for _, l := range labels {
					if served[name] != nil && !served[name][l] && !slices.Contains(ofTarget, l) {
						problems = append(problems, fmt.Sprintf("%s: %s has no label %s", where, name, l))
					}
				}
			}
			for _, l := range metrics.Grouped(q) {
				if all && !known[l] && !slices.Contains(ofTarget, l) {
					problems = append(problems, fmt.Sprintf("%s: no metric of the query has the label %s", where, l))
				}
			}
		}
	}
	slices.Sort(problems)
	return slices.Compact(problems)
}
