package deployment

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"entregas/tests/client"
)

// TestEachServiceIsEverywhere checks that each file that lists services lists all of them. The services are the folders
// services/<app-id> and bff. The error names the file. docs/adr/deployed-by-the-same-files.md
func TestEachServiceIsEverywhere(t *testing.T) {
	c, p := readCode(t), readPlaces(t)
	for _, id := range slices.Sorted(maps.Keys(c.apps)) {
		for _, complaint := range p.missing(c, id) {
			t.Error(complaint)
		}
	}
	for _, s := range p.services {
		if _, found := c.apps[s.App]; !found {
			t.Errorf("dapr.yaml: there is no program of %s, services/%s/main.go", s.App, s.App)
		}
	}
}

// The test reports each file in which a new service is missing. These files are the list for a developer who adds a service:
// CONTRIBUTING.md, "Add a participant".
func TestANewServiceIsMissingEverywhere(t *testing.T) {
	c, p := readCode(t), readPlaces(t)
	c.readers["comandos-nuevo"], c.stateless["nuevo"], c.migrated["nuevo"] = "nuevo", true, true
	complaints := p.missing(c, "nuevo")
	for _, file := range []string{
		"dapr.yaml", "deploy/compose.yaml", "deploy/k8s/base/kustomization.yaml", "deploy/k8s/base/nuevo/kustomization.yaml", "components/state.yaml",
		"app.yaml", "access.yaml", "migrate.yaml", "scale.yaml",
	} {
		if !slices.ContainsFunc(complaints, func(q string) bool { return strings.HasPrefix(q, file+": ") || strings.Contains(q, " "+file) }) {
			t.Errorf("no message names %s: %q", file, complaints)
		}
	}
}

// deploy/services.sh reads dapr.yaml and components/ without a YAML parser. It prints the same list that a parser finds.
func TestTheScriptReadsTheSameList(t *testing.T) {
	p := readPlaces(t)
	var ids, ports, roles []string
	for _, s := range p.services {
		ids = append(ids, s.App)
		ports = append(ports, fmt.Sprintf("%s %d", s.App, readCode(t).apps[s.App].port))
		if s.Database != "" {
			roles = append(roles, strings.Join([]string{s.Role, s.Database, s.App}, " "))
		}
	}
	roles = append(roles, "bff bff -", "dapr dapr -") // components/state-bff.yaml and state.yaml
	for what, want := range map[string][]string{"": ids, "ports": ports, "roles": roles} {
		text, err := exec.Command("bash", filepath.Join(root, "deploy", "services.sh"), what).Output()
		if got := strings.Split(strings.TrimSpace(string(text)), "\n"); err != nil || !slices.Equal(got, want) {
			t.Errorf("deploy/services.sh %s: %v %q, and dapr.yaml has %q", what, err, got, want)
		}
	}
}

// Failure prevented: deploy/services.sh leaves out an address that it cannot read, or cuts a name, and the role has no password.
func TestTheScriptReadsEachAddressOrFails(t *testing.T) {
	script := text(t, "deploy", "services.sh")
	for _, c := range []struct{ address, want, complaint string }{
		{"postgres://empaque@127.0.0.1:5432/empaque?sslmode=disable", "empaque empaque empaque", ""},
		{"postgres://empaque2@127.0.0.1:5432/empaque_v2", "empaque2 empaque_v2 empaque", ""},
		{`"postgres://empaque@127.0.0.1:5432/empaque2"`, "empaque empaque2 empaque", ""},
		{"postgres://Empaque@127.0.0.1:5432/empaque", "", "dapr.yaml:3"},
		{"postgres://empaque@127.0.0.1:5432/empaque-v2?sslmode=disable", "", "/empaque-v2?sslmode=disable"},
		{"postgres://empaque:palabra@127.0.0.1:5432/empaque", "", "dapr.yaml:3"},
		{"postgres://empaque@127.0.0.1:5432", "", "dapr.yaml:3"},
		{"POSTGRES://empaque@127.0.0.1:5432/empaque", "", "dapr.yaml:3"},
		{"postgresql://empaque@127.0.0.1:5432/empaque", "", "dapr.yaml:3"},
	} {
		folder := t.TempDir()
		for file, content := range map[string]string{
			"deploy/services.sh": script, "components/none.yaml": "metadata: {}\n",
			"dapr.yaml": "apps:\n  - appID: empaque\n      DATABASE_URL: " + c.address + "\n",
		} {
			path := filepath.Join(folder, file)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte(content), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		var complaint strings.Builder
		command := exec.Command("bash", filepath.Join(folder, "deploy", "services.sh"), "roles") // #nosec G204 -- a copy of our own script
		command.Stderr = &complaint
		got, err := command.Output()
		if (err == nil) != (c.complaint == "") || strings.TrimSpace(string(got)) != c.want || !strings.Contains(complaint.String(), c.complaint) {
			t.Errorf("%s: %q, %v %q; want %q, complaint %q", c.address, got, err, complaint.String(), c.want, c.complaint)
		}
	}
}

// Failure prevented: a module of tools/ that nobody told Dependabot about keeps its old versions, and nobody sees it.
func TestDependabotKnowsEachModule(t *testing.T) {
	config := text(t, ".github", "dependabot.yml")
	modules, err := filepath.Glob(filepath.Join(root, "tools", "*", "go.mod"))
	if err != nil || len(modules) == 0 {
		t.Fatal(modules, err)
	}
	for _, m := range modules {
		name := filepath.Base(filepath.Dir(m))
		pinned := slices.Contains([]string{"dapr", "dapr-cli", "process-compose", "injection"}, name) // changed by hand: the file says why
		if listed := regexp.MustCompile(`[\[ ]/tools/` + name + `[],]`).MatchString(config); listed == pinned {
			t.Errorf("tools/%s: in .github/dependabot.yml %t, pinned by hand %t", name, listed, pinned)
		}
	}
}

// places has the lists of services in the files that have one.
type places struct {
	services []client.Service // dapr.yaml
	compose  map[string]composeService
	base     []string            // the resources of deploy/k8s/base/kustomization.yaml
	folders  map[string][]string // the resources of deploy/k8s/base/<app-id>/kustomization.yaml
	state    []string            // the scopes of components/state.yaml
}

func readPlaces(t *testing.T) *places {
	t.Helper()
	p := &places{folders: map[string][]string{}}
	var err error
	if p.services, err = client.Services(); err != nil {
		t.Fatal(err)
	}
	read := func(into any, parts ...string) {
		if err := yaml.Unmarshal([]byte(text(t, parts...)), into); err != nil {
			t.Fatal(parts, err)
		}
	}
	var compose struct {
		Services map[string]composeService
	}
	read(&compose, "deploy", "compose.yaml")
	p.compose = compose.Services
	type kustomization struct{ Resources []string }
	var base kustomization
	read(&base, "deploy", "k8s", "base", "kustomization.yaml")
	p.base = base.Resources
	folders, err := filepath.Glob(filepath.Join(root, "deploy", "k8s", "base", "*", "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		id := filepath.Base(filepath.Dir(f))
		var folder kustomization
		read(&folder, "deploy", "k8s", "base", id, "kustomization.yaml")
		p.folders[id] = folder.Resources
	}
	var state struct{ Scopes []string }
	read(&state, "components", "state.yaml")
	p.state = state.Scopes
	return p
}

// missing returns the places that do not list the service id. Each message begins with the file.
func (p *places) missing(c *code, id string) []string {
	var q complaints
	q.when(!slices.ContainsFunc(p.services, func(s client.Service) bool { return s.App == id }), "dapr.yaml: there is no app %s", id)
	for _, name := range []string{id, id + "-pod", id + "-dapr"} {
		_, found := p.compose[name]
		q.when(!found, "deploy/compose.yaml: there is no container %s", name)
	}
	for _, name := range []string{"setup", "dapr-pod", "placement", "scheduler", "postgres", "pulsar"} {
		q.when(!slices.Contains(p.compose[name].Profiles, id), "deploy/compose.yaml: %s does not start with profile %s: add it to x-services, x-with-postgres and x-with-pulsar", name, id)
	}
	q.when(!slices.Contains(p.base, id), "deploy/k8s/base/kustomization.yaml: its resources do not have %s", id)
	folder := "deploy/k8s/base/" + id + "/kustomization.yaml"
	files := []string{"app.yaml"}
	if c.migrated[id] {
		files = append(files, "migrate.yaml")
	}
	if slices.Contains(slices.Collect(maps.Values(c.readers)), id) {
		files = append(files, "scale.yaml")
	}
	for _, file := range files {
		q.when(!slices.Contains(p.folders[id], file), "%s: its resources do not have %s", folder, file)
	}
	_, err := os.Stat(filepath.Join(root, "deploy", "k8s", "base", id, "access.yaml"))
	q.when(err != nil, "%s: there is no access.yaml beside it", folder)
	q.when(c.stateless[id] && !slices.Contains(p.state, id), "components/state.yaml: its scopes do not have %s, which counts tries there", id)
	return q
}
