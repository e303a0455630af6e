// Package resttest compares the routes of a service with its OpenAPI document.
package resttest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"gopkg.in/yaml.v3"
)

// Serves fails the test unless routes has exactly the operations of contracts/openapi/<service>.yaml. The calling test must be
// in a package directly under services/<service>.
func Serves(t *testing.T, routes *mux.Router, service string) {
	t.Helper()
	file := filepath.Join("..", "..", "..", "contracts", "openapi", service+".yaml")
	text, err := os.ReadFile(file) // #nosec G304 -- a document of this repository
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]any
	}
	if err := yaml.Unmarshal(text, &document); err != nil || len(document.Paths) == 0 {
		t.Fatalf("%s has no paths: %v", file, err)
	}
	written := map[string]bool{}
	for path, operations := range document.Paths {
		for method := range operations {
			written[strings.ToUpper(method)+" "+path] = true
		}
	}
	served := map[string]bool{}
	err = routes.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, err := route.GetMethods()
		for _, method := range methods {
			served[method+" "+path] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range slices.Sorted(maps.Keys(written)) {
		if !served[one] {
			t.Errorf("%s: nothing serves %s", file, one)
		}
	}
	for _, one := range slices.Sorted(maps.Keys(served)) {
		if !written[one] {
			t.Errorf("%s does not have %s, which is served", file, one)
		}
	}
}
