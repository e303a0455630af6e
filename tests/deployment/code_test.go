package deployment

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"entregas/contracts"
)

// code has the facts that the tests read from the project's sources. The tests compare the manifests with them, so that this package
// repeats no fact.
type code struct {
	apps        map[string]app      // by app-id
	migrated    map[string]bool     // the services that have migrations
	stateless   map[string]bool     // the services that count tries in components/state.yaml
	health      []string            // the paths that every program serves for probes
	calls       []call              // every service invocation, with its caller
	routes      map[string][]route  // the REST routes of each service
	topics      []string            // every topic
	readers     map[string]string   // the first durable subscription of each topic: the app-id that reads it, and is scaled by it
	deliveries  map[string][]string // the paths at which an app's sidecar delivers messages
	publicPaths []string            // the paths of the bff that are for the public
	setup       map[string]bool     // the variables that the environment of the job may have
	knownNames  map[string][]string // deploy/k8s/schemas/names.json
	components  map[string]bool     // names of the Dapr components
}

// app is a program with its port and the variables that it reads from its environment. The value of a required variable is true.
// local has the variables that dapr.yaml sets for it.
type app struct {
	port  int
	env   map[string]bool
	local map[string]string
}

func text(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{root}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func readCode(t *testing.T) *code {
	t.Helper()
	c := &code{
		apps: map[string]app{}, migrated: map[string]bool{}, stateless: map[string]bool{}, routes: map[string][]route{}, readers: map[string]string{}, deliveries: map[string][]string{},
		setup: map[string]bool{}, topics: contracts.Names(), components: map[string]bool{},
	}
	c.readApps(t)
	c.readSubscriptions(t)
	c.readCalls(t)
	for _, m := range regexp.MustCompile(`HandleFunc\("(/\w+)"`).FindAllStringSubmatch(text(t, "internal", "app", "app.go"), -1) {
		c.health = append(c.health, m[1])
	}
	for _, m := range regexp.MustCompile(`os\.Getenv\("(\w+)"\)`).FindAllStringSubmatch(text(t, "tools", "local", "cmd", "setup", "main.go"), -1) {
		c.setup[m[1]] = true
	}
	// The routes of the bff that are for people: all paths of the contract begin with /api, the other paths stand in the sources by
	// name.
	c.publicPaths = []string{"/api/compras"}
	inBFF := regexp.MustCompile(`(?m)\b(?:routes|forAnyone|identified)\.(?:Handle|HandleFunc|PathPrefix)\("(/[^"]*)"|\bserve\(routes, "(/[^"]*)"|^\t\{"(/[^"]*)", "[\w-]+",`)
	for _, file := range []string{"routes.go", "identity/session.go", "explorer/explorer.go", "pages/pages.go"} {
		for _, m := range inBFF.FindAllStringSubmatch(text(t, "bff", filepath.FromSlash(file)), -1) {
			c.publicPaths = append(c.publicPaths, m[1]+m[2]+m[3])
		}
	}
	if err := json.Unmarshal([]byte(text(t, "deploy", "k8s", "schemas", "names.json")), &c.knownNames); err != nil {
		t.Fatal(err)
	}
	if len(c.apps) == 0 || len(c.health) < 2 || len(c.calls) == 0 || len(c.publicPaths) < 3 || len(c.readers) != len(c.topics) {
		t.Fatalf("the code cannot be read as before: %d programs, %v, %d calls, %v, %v", len(c.apps), c.health, len(c.calls), c.publicPaths, c.readers)
	}
	return c
}

var inEnv = regexp.MustCompile("conf:\"env:(\\w+)([^\"]*)\"")

// readApps finds the programs by their folders, their ports in dapr.yaml, and their variables in the configuration structs.
func (c *code) readApps(t *testing.T) {
	t.Helper()
	var everything struct {
		Apps []struct {
			AppID   string `yaml:"appID"`
			AppPort int    `yaml:"appPort"`
			Env     map[string]string
		}
	}
	if err := yaml.Unmarshal([]byte(text(t, "dapr.yaml")), &everything); err != nil {
		t.Fatal(err)
	}
	ports, local := map[string]int{}, map[string]map[string]string{}
	for _, a := range everything.Apps {
		ports[a.AppID], local[a.AppID] = a.AppPort, a.Env
	}
	folders, err := filepath.Glob(filepath.Join(root, "services", "*", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	common := text(t, "internal", "app", "app.go")
	for _, main := range append(folders, filepath.Join(root, "bff", "main.go")) {
		source, err := os.ReadFile(main)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(main))
		a := app{port: ports[name], env: map[string]bool{}, local: local[name]}
		_, err = os.Stat(filepath.Join(filepath.Dir(main), "postgres", "migrations"))
		c.migrated[name], c.stateless[name] = err == nil, strings.Contains(string(source), "pubsub.NewAttempts(")
		for _, m := range inEnv.FindAllStringSubmatch(common+string(source), -1) {
			a.env[m[1]] = strings.Contains(m[2], ",required")
		}
		c.apps[name] = a
	}
}

// readSubscriptions reads from components/ which app subscribes to which topic.
func (c *code) readSubscriptions(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "components", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ephemeral := map[string]bool{} // components whose subscriptions end with their readers
	var subscriptions []object
	for _, a := range files {
		m, err := parseManifests(a, text(t, "components", filepath.Base(a)))
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		for _, o := range m.kind("Component") {
			c.components[o.Metadata.Name] = true
			for _, d := range read[component](o).Metadata {
				if d.Name == "subscribeMode" && d.Value == "non_durable" {
					ephemeral[o.Metadata.Name] = true
				}
				if d.Name == "consumerID" && !ephemeral[o.Metadata.Name] && d.Value != "{uuid}" {
					t.Fatalf("%s names its subscription: these tests take it to be the app-id", o.Metadata.Name)
				}
			}
		}
		subscriptions = append(subscriptions, m.kind("Subscription")...)
	}
	for _, o := range subscriptions {
		s := read[subscription](o)
		for _, id := range o.Scopes {
			c.deliveries[id] = append(c.deliveries[id], s.Routes.Default)
			if _, found := c.readers[s.Topic]; !found && !ephemeral[s.Pubsubname] {
				c.readers[s.Topic] = id
			}
		}
	}
}

type component struct {
	Type     string
	Metadata []struct {
		Name, Value  string
		SecretKeyRef reference `yaml:"secretKeyRef"`
	}
}

type subscription struct {
	Pubsubname, Topic string
	Routes            struct{ Default string }
}

// knows reports whether name is one of the names that the software knows. A known name "*.avroschema" stands for that name of any
// topic.
func (c *code) knows(what, name string) bool {
	return slices.ContainsFunc(c.knownNames[what], func(k string) bool {
		if queue, wildcard := strings.CutPrefix(k, "*."); wildcard {
			topic, ok := strings.CutSuffix(name, "."+queue)
			return ok && slices.Contains(c.topics, strings.TrimSuffix(topic, "-dlq"))
		}
		return k == name
	})
}
