// Command rules writes the rules of deploy/observability as the object that the Prometheus operator reads. Its argument is the folder
// deploy.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

const header = `# Written by make generate from deploy/observability/rules. Do not change it here.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: entregas
spec:
  groups:
`

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(deploy string) error {
	files, err := filepath.Glob(filepath.Join(deploy, "observability", "rules", "*.yaml"))
	if err != nil {
		return err
	}
	var all struct {
		Groups []yaml.Node
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		var one struct {
			Groups []yaml.Node
		}
		if err := yaml.Unmarshal(text, &one); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		all.Groups = append(all.Groups, one.Groups...)
	}
	var groups strings.Builder
	e := yaml.NewEncoder(&groups)
	e.SetIndent(2)
	if err := e.Encode(all.Groups); err != nil {
		return err
	}
	indented := "    " + strings.ReplaceAll(strings.TrimRight(groups.String(), "\n"), "\n", "\n    ") + "\n"
	target := filepath.Join(deploy, "k8s", "components", "observability", "rules.gen.yaml")
	return os.WriteFile(target, []byte(header+indented), 0o644) // #nosec G306 -- a file of this repository
}
