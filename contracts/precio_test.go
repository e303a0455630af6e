package contracts_test

import (
	"maps"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"

	"entregas/contracts"
)

// The public description has the currencies of the table, and no other.
func TestMonedasArePublic(t *testing.T) {
	var document struct {
		Components struct {
			Schemas struct {
				Moneda struct{ Enum []string } `yaml:"Moneda"`
			}
		}
	}
	if err := yaml.Unmarshal(contracts.OpenAPI, &document); err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(contracts.Monedas))
	if got := document.Components.Schemas.Moneda.Enum; !slices.Equal(got, want) {
		t.Errorf("openapi.yaml has the currencies %v, and contracts has %v", got, want)
	}
	if _, usual := contracts.Monedas[contracts.MonedaUsual]; !usual {
		t.Errorf("%s is not in the table", contracts.MonedaUsual)
	}
}
