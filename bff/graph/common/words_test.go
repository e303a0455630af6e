package common

import (
	"testing"

	"github.com/vektah/gqlparser/v2/validator/rules"
)

// byRule has a text for each rule of gqlparser, and for no other.
func TestEachRuleHasWords(t *testing.T) {
	all := map[string]bool{
		// Each of these replaces another rule where suggestions are off.
		"FieldsOnCorrectTypeWithoutSuggestions": true, "ScalarLeafsWithoutSuggestions": true,
		"KnownArgumentNamesWithoutSuggestions": true, "KnownTypeNamesWithoutSuggestions": true, "ValuesOfCorrectTypeWithoutSuggestions": true,
	}
	for name := range rules.NewDefaultRules().GetInner() {
		all[name] = true
	}
	for name := range all {
		if byRule[name] == "" {
			t.Errorf("%s has no words", name)
		}
	}
	for name := range byRule {
		if !all[name] {
			t.Errorf("the library has no rule %s", name)
		}
	}
}
