// Package metrics reads the catalogue of metrics, the queries of rules and dashboards, and the answers to scrapes.
package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Documented is a metric of the catalogue docs/metrics.md. A name that ends with * stands for all that begin so.
type Documented struct {
	Name, Type string
	Labels     []string // sorted
	Of         string   // all, "all with one" (a database), or the services
}

var quoted = regexp.MustCompile("`([^`]+)`")

// Catalogue returns the metrics of a catalogue, whose tables have the columns Metric, Type, Labels, Meaning, Of.
func Catalogue(text string) (all []Documented) {
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 7 || !strings.Contains(cells[1], "`") {
			continue
		}
		var labels []string
		for _, m := range quoted.FindAllStringSubmatch(cells[3], -1) {
			labels = append(labels, m[1])
		}
		slices.Sort(labels)
		for _, m := range quoted.FindAllStringSubmatch(cells[1], -1) {
			all = append(all, Documented{m[1], strings.TrimSpace(cells[2]), labels, strings.TrimSpace(cells[5])})
		}
	}
	return all
}

// Matches reports whether d is about the metric name.
func (d Documented) Matches(name string) bool {
	begin, open := strings.CutSuffix(d.Name, "*")
	return name == d.Name || open && strings.HasPrefix(name, begin)
}

// IsOf reports whether the service app has to serve the metric.
func (d Documented) IsOf(app string) bool {
	return d.Of == "all" || slices.Contains(strings.Split(d.Of, ", "), app)
}

// Queries returns the queries of the rules and of the dashboards below deploy/observability, by where they are. root is the folder of the
// project.
func Queries(root string) (map[string][]string, error) {
	all, folder := map[string][]string{}, filepath.Join(root, "deploy", "observability")
	rules, _ := filepath.Glob(filepath.Join(folder, "rules", "*.yaml"))
	for _, f := range rules {
		var file struct {
			Groups []struct {
				Rules []struct{ Alert, Record, Expr string }
			}
		}
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				where := filepath.Base(f) + " " + r.Alert + r.Record
				all[where] = append(all[where], r.Expr)
			}
		}
	}
	dashboards, _ := filepath.Glob(filepath.Join(folder, "dashboards", "*.json"))
	for _, f := range dashboards {
		var board struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &board); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		for _, p := range board.Panels {
			for _, x := range p.Targets {
				where := filepath.Base(f) + " " + p.Title
				all[where] = append(all[where], x.Expr)
			}
		}
	}
	if len(rules) == 0 || len(dashboards) == 0 {
		return nil, fmt.Errorf("no rules or no dashboards in %s", folder)
	}
	return all, nil
}

var (
	noMetric = []*regexp.Regexp{
		regexp.MustCompile(`"[^"]*"|'[^']*'`),
		regexp.MustCompile(`\{[^}]*\}`),
		regexp.MustCompile(`\[[^\]]*\]`),
		regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`),
		regexp.MustCompile(`\b(?:and|or|unless|bool|offset|by|without|on|ignoring|group_left|group_right)\b`),
	}
	identifier = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*\s*\(?`)
	selector   = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)\s*"`)
	grouping   = regexp.MustCompile(`\b(?:by|on)\s*\(([^)]*)\)`)
)

// Names returns the names of the metrics in a query. A name before ( is a function.
func Names(query string) (names []string) {
	for _, x := range noMetric {
		query = x.ReplaceAllString(query, " ")
	}
	for _, name := range identifier.FindAllString(query, -1) {
		if !strings.HasSuffix(name, "(") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// Selected returns the labels by which a query selects the series of each metric.
func Selected(query string) map[string][]string {
	found := map[string][]string{}
	for _, m := range selector.FindAllStringSubmatch(query, -1) {
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			found[m[1]] = append(found[m[1]], l[1])
		}
	}
	return found
}

// Grouped returns the labels by which a query groups or joins.
func Grouped(query string) (labels []string) {
	for _, m := range grouping.FindAllStringSubmatch(query, -1) {
		for l := range strings.SplitSeq(m[1], ",") {
			if l = strings.TrimSpace(l); l != "" {
				labels = append(labels, l)
			}
		}
	}
	return labels
}

// Scrape is what a target served: the labels of the series of each name, and the type of each metric.
type Scrape struct {
	Labels map[string]map[string]bool
	Types  map[string]string
}

var (
	sample = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s`)
	label  = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"`)
	part   = regexp.MustCompile(`_(?:bucket|sum|count)$`)
)

// Read reads the answer to a scrape, in the text format of Prometheus.
func Read(text string) Scrape {
	s := Scrape{map[string]map[string]bool{}, map[string]string{}}
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) == 4 && fields[0] == "#" && fields[1] == "TYPE" {
			s.Types[fields[2]] = fields[3]
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if s.Labels[m[1]] == nil {
			s.Labels[m[1]] = map[string]bool{}
		}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			s.Labels[m[1]][l[1]] = true
		}
	}
	return s
}

// Metrics returns the metrics of the scrape with their labels, sorted. Those of a histogram are without le.
func (s Scrape) Metrics() map[string][]string {
	all := map[string][]string{}
	for name, labels := range s.Labels {
		if base := part.ReplaceAllString(name, ""); s.Types[base] == "histogram" || s.Types[base] == "summary" {
			name = base
		}
		if all[name] == nil {
			all[name] = []string{}
		}
		for l := range labels {
			if l != "le" && l != "quantile" && !slices.Contains(all[name], l) {
				all[name] = append(all[name], l)
			}
		}
		slices.Sort(all[name])
	}
	return all
}
