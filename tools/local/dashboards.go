package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"entregas/tools/local/setup"
)

// Grafana is not here, but in compose and in a cluster. On this machine the page of the store of metrics shows the same dashboards. Its
// format knows rows and panels with expressions only, so a number becomes a line, and a variable of Grafana becomes "any value".

// grafanaPanel is what is read of a panel of Grafana.
type grafanaPanel struct {
	Title, Description, Type string
	GridPos                  struct{ X, Y, W int }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []struct {
		Expr         string
		LegendFormat string
	}
	Panels []grafanaPanel // of a row that is folded
}

// A vmui dashboard: https://docs.victoriametrics.com/victoriametrics/#vmui, predefined dashboards.
type (
	vmuiPanel struct {
		Title       string   `json:"title,omitempty"`
		Description string   `json:"description,omitempty"`
		Unit        string   `json:"unit,omitempty"`
		Expr        []string `json:"expr"`
		Alias       []string `json:"alias,omitempty"`
		ShowLegend  bool     `json:"showLegend"`
		Width       int      `json:"width,omitempty"` // of 12
	}
	vmuiRow struct {
		Title  string      `json:"title,omitempty"`
		Panels []vmuiPanel `json:"panels"`
	}
	vmuiDashboard struct {
		Title string    `json:"title"`
		Rows  []vmuiRow `json:"rows"`
	}
)

// convertDashboards writes each dashboard of Grafana in the folder source into the folder target in the format of vmui, and removes
// those that are no longer in source.
func convertDashboards(source, target string) error {
	files, err := filepath.Glob(filepath.Join(source, "*.json"))
	if err != nil {
		return err
	}
	earlier, _ := filepath.Glob(filepath.Join(target, "*.json"))
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dashboard, err := convertDashboard(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		name := filepath.Join(target, filepath.Base(path))
		if err := setup.Write(name, string(dashboard)); err != nil {
			return err
		}
		earlier = slices.DeleteFunc(earlier, func(e string) bool { return e == name })
	}
	for _, e := range earlier {
		if err := os.Remove(e); err != nil {
			return err
		}
	}
	return nil
}

// convertDashboard returns a dashboard of Grafana in the format of vmui.
func convertDashboard(text []byte) ([]byte, error) {
	var grafana struct {
		Title      string
		Panels     []grafanaPanel
		Templating struct{ List []struct{ Name string } }
	}
	if err := json.Unmarshal(text, &grafana); err != nil {
		return nil, err
	}
	var variables []string
	for _, v := range grafana.Templating.List {
		variables = append(variables, v.Name)
	}
	rows := []vmuiRow{{}} // one: the page unfolds only the first row
	var add func(panels []grafanaPanel)
	add = func(panels []grafanaPanel) {
		slices.SortStableFunc(panels, func(a, b grafanaPanel) int {
			return (a.GridPos.Y-b.GridPos.Y)*100 + a.GridPos.X - b.GridPos.X
		})
		for _, p := range panels {
			if p.Type == "row" {
				add(p.Panels)
			} else if len(p.Targets) > 0 {
				last := &rows[len(rows)-1]
				last.Panels = append(last.Panels, convertPanel(p, variables))
			}
		}
	}
	add(grafana.Panels)
	rows = slices.DeleteFunc(rows, func(r vmuiRow) bool { return len(r.Panels) == 0 })
	return json.MarshalIndent(vmuiDashboard{grafana.Title, rows}, "", "  ")
}

// plainUnits are the units of Grafana that are not the text behind a number. vmui writes the unit as it is.
var plainUnits = map[string]struct{ name, factor string }{
	"short": {}, "none": {}, "ops": {name: "/s"}, "reqps": {name: "/s"}, "bytes": {"MB", "/ 1e6"}, "percentunit": {"%", "* 100"},
}

// convertPanel returns a panel in the format of vmui. A series gets as its name what the legend of Grafana says.
func convertPanel(p grafanaPanel, variables []string) vmuiPanel {
	unit, factor := p.FieldConfig.Defaults.Unit, ""
	if u, known := plainUnits[unit]; known {
		unit, factor = u.name, u.factor
	}
	panel := vmuiPanel{Title: p.Title, Description: p.Description, Unit: unit, ShowLegend: true, Width: max(3, min(12, p.GridPos.W/2))}
	for _, t := range p.Targets {
		if t.Expr == "" {
			continue
		}
		expr := plainExpression(t.Expr, variables)
		if factor != "" {
			expr = "(" + expr + ") " + factor
		}
		panel.Expr = append(panel.Expr, expr)
		panel.Alias = append(panel.Alias, t.LegendFormat)
	}
	return panel
}

// plainExpression replaces what Grafana fills in: an interval is a minute, a variable in a matcher is any value.
func plainExpression(expr string, variables []string) string {
	expr = regexp.MustCompile(`\$\{?__(rate_interval|interval|range)\}?`).ReplaceAllString(expr, "1m")
	for _, v := range variables {
		any := regexp.MustCompile(`(=~?)\s*"\$\{?` + regexp.QuoteMeta(v) + `(:\w+)?\}?"`)
		expr = any.ReplaceAllString(expr, `=~".*"`)
		expr = regexp.MustCompile(`\$\{?`+regexp.QuoteMeta(v)+`(:\w+)?\b\}?`).ReplaceAllString(expr, "1m")
	}
	return strings.TrimSpace(expr)
}
