// Command dashboards writes the dashboards of Grafana, one JSON file each, into the folder that its argument names, and the list of
// them for a cluster. `make generate` runs it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// board is a dashboard: rows of panels.
type board struct {
	file, title string
	perApp      bool // has the variable app
	rows        []row
}

type row struct {
	title  string
	panels []panel
}

// panel is a chart. Each query has a legend, and both may use labels.
type panel struct {
	title, unit string
	queries     []query
}

type query struct{ expr, legend string }

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

const kustomization = `# Written by make generate. The dashboards in a cluster: the Grafana of kube-prometheus-stack loads each ConfigMap with this label.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
configMapGenerator:
  - name: dashboards
    files:
%s    options:
      disableNameSuffixHash: true
      labels:
        grafana_dashboard: "1"
`

func run(folder string) error {
	list := ""
	for _, b := range boards {
		made, err := build(b)
		if err != nil {
			return fmt.Errorf("%s: %w", b.file, err)
		}
		text, err := json.MarshalIndent(made, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, b.file), append(text, '\n'), 0o644); err != nil { // #nosec G306 -- a file of this repository
			return err
		}
		list += "      - " + b.file + "\n"
	}
	return os.WriteFile(filepath.Join(folder, "kustomization.yaml"), fmt.Appendf(nil, kustomization, list), 0o644) // #nosec G306 -- a file of this repository
}

var source = common.DataSourceRef{Type: ptr("prometheus"), Uid: ptr("prometheus")}

func ptr[T any](v T) *T { return &v }

// width and height of a panel; Grafana has 24 columns.
const width, height = 8, 8

func build(b board) (dashboard.Dashboard, error) {
	d := dashboard.NewDashboardBuilder("Entregas: "+b.title).Uid("entregas-"+b.file[:len(b.file)-len(".json")]).Tags([]string{"entregas"}).
		Refresh("10s").Time("now-30m", "now").Timezone("browser").Readonly()
	if b.perApp {
		d.WithVariable(dashboard.NewQueryVariableBuilder("app").Label("Service").Datasource(source).IncludeAll(true).AllValue(".*").
			Query(dashboard.StringOrMap{String: ptr(`label_values(up{job="services"}, app)`)}).Refresh(dashboard.VariableRefreshOnDashboardLoad))
	}
	for _, r := range b.rows {
		d.WithRow(dashboard.NewRowBuilder(r.title))
		for _, p := range r.panels {
			chart := timeseries.NewPanelBuilder().Title(p.title).Unit(p.unit).Datasource(source).Span(width).Height(height).Min(0)
			for _, q := range p.queries {
				chart.WithTarget(prometheus.NewDataqueryBuilder().Expr(q.expr).LegendFormat(q.legend).Exemplar(true))
			}
			d.WithPanel(chart)
		}
	}
	return d.Build()
}
