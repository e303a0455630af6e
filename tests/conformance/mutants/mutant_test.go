package main

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// Each case of the kit has a mutant, or says why it has none, and the text that a mutant changes is in the code.
func TestEachCaseHasAMutant(t *testing.T) {
	all, err := Read("mutants.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for role, file := range map[string]string{"participant": "../participant.go", "manager": "../manager.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\{ID: "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			if !slices.ContainsFunc(all, func(mutant Mutant) bool { return mutant.Role == role && mutant.Case == m[1] }) {
				t.Errorf("the case %s of a %s has no mutant: add one to mutants.yaml", m[1], role)
			}
		}
	}
	for _, m := range all {
		if _, err := m.Changed("../../.."); err != nil || (m.None == "") != (len(m.Edits) > 0) {
			t.Errorf("%s of a %s: %v", m.Case, m.Role, err)
		}
	}
}
