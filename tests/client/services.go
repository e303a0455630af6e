package client

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"gopkg.in/yaml.v3"
)

// A Service is an entry of the list of services in dapr.yaml. Role and Database come from its DATABASE_URL; both are empty for a
// service without a database.
type Service struct{ App, Role, Database string }

var inDatabaseURL = regexp.MustCompile(`^postgres://([a-z_][a-z0-9_]*)@[^/]+/([a-z_][a-z0-9_]*)`)

// Services returns the services in dapr.yaml, in the order of the file. It looks for the file in the working directory and in each
// folder above.
func Services() ([]Service, error) {
	l, err := NewLocal("")
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(l.Root, "dapr.yaml"))
	if err != nil {
		return nil, err
	}
	var file struct {
		Apps []struct {
			AppID string `yaml:"appID"`
			Env   map[string]string
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("dapr.yaml: %w", err)
	}
	var all []Service
	for _, a := range file.Apps {
		s := Service{App: a.AppID}
		if m := inDatabaseURL.FindStringSubmatch(a.Env["DATABASE_URL"]); m != nil {
			s.Role, s.Database = m[1], m[2]
		}
		all = append(all, s)
	}
	return all, nil
}
