package deployment

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

type call struct{ from, a, verb, route string }

type route struct{ verb, pattern string }

var (
	inRoutes = regexp.MustCompile(`(?:HandleFunc|Handle)\("(/[^"]*)".*Methods\(http\.Method(\w+)\)`)
	// invokes matches code that calls another service by hand. calls matches the call of an operation of a generated client.
	invokes = regexp.MustCompile(`/v1\.0/invoke/|\.InvokeMethod|dapr-app-id`)
	calls   = regexp.MustCompile(`\.(\w+)WithResponse\(`)
)

// readOperations reads the OpenAPI documents of the services. It returns the operations by name, and adds their routes to c.
func (c *code) readOperations(t *testing.T) map[string]call {
	t.Helper()
	operations := map[string]call{}
	documents, err := filepath.Glob(filepath.Join(root, "contracts", "openapi", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range documents {
		service := strings.TrimSuffix(filepath.Base(file), ".yaml")
		var document struct {
			Paths map[string]map[string]struct {
				OperationID string `yaml:"operationId"`
			}
		}
		if err := yaml.Unmarshal([]byte(text(t, "contracts", "openapi", filepath.Base(file))), &document); err != nil {
			t.Fatal(err)
		}
		for pattern, verbs := range document.Paths {
			for verb, o := range verbs {
				if other, found := operations[o.OperationID]; found {
					t.Errorf("%s is an operation of %s and of %s: nobody could tell whom its caller calls", o.OperationID, other.a, service)
				}
				verb = strings.ToUpper(verb)
				operations[o.OperationID] = call{a: service, verb: verb, route: strings.ReplaceAll(pattern, "{id}", "1b4e28ba")} // any value for the parameter
				c.routes[service] = append(c.routes[service], route{verb: verb, pattern: pattern})
			}
		}
	}
	return operations
}

// readCalls finds each call of another service, which must go through a generated client. It also finds the routes that a service has
// besides those of its document.
func (c *code) readCalls(t *testing.T) {
	t.Helper()
	operations := c.readOperations(t)
	for _, folder := range []string{"bff", "internal", "services"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(r string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(r, ".go") || strings.HasSuffix(r, "_test.go") || strings.HasSuffix(r, ".gen.go") {
				return err
			}
			source, err := os.ReadFile(r)
			if err != nil {
				return err
			}
			relative, _ := filepath.Rel(root, r)
			parts := strings.Split(relative, string(filepath.Separator))
			from := parts[0]
			if from == "services" {
				from = parts[1]
			}
			calls := calls.FindAllStringSubmatch(string(source), -1)
			if invokes.Match(source) && calls == nil && filepath.Dir(relative) != filepath.Join("bff", "dapr") {
				t.Errorf("%s calls another service without its generated client: these tests do not see which operation", relative)
			}
			for _, m := range calls {
				l, found := operations[strings.ToLower(m[1][:1])+m[1][1:]]
				if !found {
					t.Errorf("%s calls %s, which is an operation of no service", relative, m[1])
					continue
				}
				l.from = from
				c.calls = append(c.calls, l)
			}
			if server := from; server != "bff" {
				for _, m := range inRoutes.FindAllStringSubmatch(string(source), -1) {
					c.routes[server] = append(c.routes[server], route{verb: strings.ToUpper(m[2]), pattern: m[1]})
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for pair := range c.called() {
		if pair[0] == "bff" { // each circuit breaker of the bff also sends a probe: bff/dapr/invoke.go
			c.calls = append(c.calls, call{from: "bff", a: pair[1], verb: "GET", route: "/healthz"})
		}
	}
	for _, server := range c.shown(t) {
		c.calls = append(c.calls, call{from: "bff", a: server, verb: "GET", route: "/readyz"})
	}
}

// shown returns the services whose health the bff shows operators.
func (c *code) shown(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, "bff", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`otherServices = \[\]string\{"(.+)"\}`).FindSubmatch(source)
	if list == nil {
		t.Fatal("bff/main.go has no otherServices")
	}
	return strings.Split(string(list[1]), `", "`)
}

// called returns the pairs of a calling app and the app that it calls.
func (c *code) called() map[[2]string]bool {
	pairs := map[[2]string]bool{}
	for _, l := range c.calls {
		pairs[[2]string{l.from, l.a}] = true
	}
	return pairs
}

func (l call) String() string { return fmt.Sprintf("%s → %s %s %s", l.from, l.a, l.verb, l.route) }
