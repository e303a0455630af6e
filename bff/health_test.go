package main

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"testing"
)

// The page of now shows the health of every service of the system.
func TestHealthOfEveryService(t *testing.T) {
	text, err := os.ReadFile("../dapr.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var apps []string
	for _, m := range regexp.MustCompile(`(?m)^ +- appID: (.+)$`).FindAllStringSubmatch(string(text), -1) {
		if m[1] != service {
			apps = append(apps, m[1])
		}
	}
	if len(apps) < 5 || !slices.Equal(apps, otherServices) {
		t.Errorf("dapr.yaml has %v, otherServices has %v: edit bff/main.go", apps, otherServices)
	}
}

func TestLinksToOtherTools(t *testing.T) {
	p := newGate(t, func(c *config) {
		c.Traces, c.Trace, c.Dashboards = "https://traces.example/", "https://traces.example/{traza}", ""
	})
	const want = `{"servicios":[{"servicio":"bff","estado":"listo"},{"servicio":"ordenes","estado":"no-listo","detalle":"the database does not answer"}],"trazas":"https://traces.example/","traza":"https://traces.example/{traza}"}` + "\n"
	if r := p.do(t, http.MethodGet, "/api/operacion/salud", ""); r.Body.String() != want {
		t.Errorf("%s", r.Body)
	}
	if err := (config{Trace: "https://traces.example/"}).Validate(); err == nil {
		t.Error("an address of a trace without its id")
	}
	for address, valid := range map[string]bool{"": true, "https://x/y": true, "http://127.0.0.1:3000": true, "javascript:alert(1)": false, "/x": false, "https://": false, "%": false} {
		if err := (config{Traces: address}).Validate(); (err == nil) != valid {
			t.Errorf("%q: %v", address, err)
		}
		if err := (config{Dashboards: address}).Validate(); (err == nil) != valid {
			t.Errorf("%q: %v", address, err)
		}
		if err := (config{Trace: address + "/{traza}"}).Validate(); (err == nil) != (valid && address != "") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
