package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"

	"entregas/tools/local/setup"
)

// readServices reads the list of services in dapr.yaml: their app-ids, and every port setting with its default.
func readServices(root string) (apps []string, ports map[string]int, err error) {
	text, err := os.ReadFile(filepath.Join(root, "dapr.yaml"))
	if err != nil {
		return nil, nil, err
	}
	var file struct {
		Apps []struct {
			AppID   string `yaml:"appID"`
			AppPort int    `yaml:"appPort"`
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, nil, fmt.Errorf("dapr.yaml: %w", err)
	}
	ports = maps.Clone(infraPorts)
	maps.Copy(ports, observerPorts)
	for _, a := range file.Apps {
		apps = append(apps, a.AppID)
		ports[inUppercase(a.AppID)] = a.AppPort
	}
	return apps, ports, nil
}

// roles returns the roles of PostgreSQL and their databases: those of each address in dapr.yaml and in components/.
func (in *Instance) roles() ([]setup.Role, error) {
	components, err := filepath.Glob(filepath.Join(in.Root, "components", "*.yaml"))
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, name := range append([]string{filepath.Join(in.Root, "dapr.yaml")}, components...) {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
	}
	return setup.RolesOf(texts...)
}

// databases returns the names of the databases.
func databases(roles []setup.Role) []string {
	var names []string
	for _, r := range roles {
		if !slices.Contains(names, r.Database) {
			names = append(names, r.Database)
		}
	}
	return names
}
