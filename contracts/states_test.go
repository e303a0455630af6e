package contracts_test

import (
	"regexp"
	"testing"

	"entregas/contracts"
)

// The descriptions of the public interfaces have each state.
func TestEachStateIsPublic(t *testing.T) {
	for _, file := range []string{"openapi.yaml", "../bff/graph/public/schema.graphql", "../bff/graph/public/gqlgen.yml"} {
		text := read(t, file)
		for _, e := range contracts.Estados {
			if !regexp.MustCompile(`\b` + string(e) + `\b`).MatchString(text) {
				t.Errorf("contracts/%s does not have the state %s", file, e)
			}
		}
	}
}
