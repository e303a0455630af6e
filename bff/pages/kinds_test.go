package pages

import (
	"strings"
	"testing"

	"entregas/contracts"
)

// The page of the audit has a name for each kind of act: a person would read the word of the API.
func TestEachKindOfActHasItsName(t *testing.T) {
	script, err := files.ReadFile("static/auditoria.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range contracts.TiposDeActo {
		if !strings.Contains(string(script), string(kind)+`: t("auditoria.`+string(kind)+`")`) {
			t.Errorf("bff/pages/static/auditoria.js has no name for %s: edit kinds there, and words/*.json", kind)
		}
	}
}
