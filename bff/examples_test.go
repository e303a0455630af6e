package main

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"entregas/contracts"
)

// Each body that the contract names has an example that the contract admits: people try them in /docs. It stands in examples, since
// RapiDoc passes over example. The example of a purchase is bought as it stands.
func TestExamplesWorkAsPrinted(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(contracts.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	found := 0
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.RequestBody == nil {
				continue
			}
			for kind, media := range operation.RequestBody.Value.Content {
				if found++; kind == "application/json" && len(media.Examples) == 0 {
					t.Errorf("%s %s has no example", method, path)
				}
			}
		}
	}
	if found < 9 {
		t.Errorf("only %d bodies were found", found)
	}
	p := newGate(t)
	example, err := json.Marshal(doc.Paths.Value("/compras").Post.RequestBody.Value.Content["application/json"].Examples["try"].Value.Value)
	if err != nil {
		t.Fatal(err)
	}
	if r := p.do(t, http.MethodPost, "/api/compras", string(example), p.as(t, "ana", "cliente")...); r.Code != http.StatusAccepted {
		t.Errorf("the example of a purchase: %d %s", r.Code, r.Body)
	}
}
