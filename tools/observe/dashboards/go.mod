// dashboards writes the dashboards of deploy/observability. A module of its own: no program of ours depends on Grafana's kit.
module entregas/tools/observe/dashboards

go 1.26

require github.com/grafana/grafana-foundation-sdk/go v0.0.22
