package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"entregas/contracts"
)

// There is a profile for each program that answers commands and for gestor-compra, and it names the messages of the contracts.
func TestProfilesAreThoseOfTheParticipants(t *testing.T) {
	profiles := map[string]Profile{}
	files, err := filepath.Glob("profiles/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		p, err := readProfile(strings.TrimSuffix(filepath.Base(path), ".yaml"))
		if err != nil {
			t.Error(err)
		}
		profiles[p.App] = p
	}
	for _, topic := range contracts.Topics {
		if topic.Sender != "gestor-compra" || !strings.HasPrefix(topic.Name, "comandos-") {
			continue
		}
		p, found := profiles[topic.Reader]
		if !found || p.Commands != topic.Name {
			t.Errorf("%s, which reads %s, has no profile", topic.Reader, topic.Name)
			continue
		}
		for _, name := range []string{p.Pair.Do, p.Pair.Undo} {
			if !slices.Contains(topic.Messages, contracts.MessageType(name)) {
				t.Errorf("%s: %s is no command of %s", p.App, name, topic.Name)
			}
		}
		for _, name := range append([]string{p.Pair.Good, p.Pair.Undone}, p.Pair.Refused...) {
			if contracts.TopicOf(contracts.MessageType(name)).Name != p.Replies {
				t.Errorf("%s: %s is not on %s", p.App, name, p.Replies)
			}
		}
	}
	if p := profiles["gestor-compra"]; p.Role != "manager" {
		t.Errorf("gestor-compra has the role %q", p.Role)
	}
}

// Only a failed must makes the exit code 1, and a failure in JUnit.
func TestOnlyAMustFails(t *testing.T) {
	results := []Result{
		{Case: Case{ID: "a", Kind: Must}}, {Case: Case{ID: "b", Kind: Must}, Fails: []string{"it <died>"}}, {Case: Case{ID: "c", Kind: Should}, Fails: []string{"no"}},
		{Case: Case{ID: "d", Kind: Observed}, Notes: []string{"7 ms"}}, {Case: Case{ID: "e", Kind: Must}, Skipped: "no address"},
	}
	var failed []bool
	for _, r := range results {
		failed = append(failed, r.failed())
	}
	if want := []bool{false, true, false, false, false}; !slices.Equal(failed, want) {
		t.Errorf("failed: %v, want %v", failed, want)
	}
	path := filepath.Join(t.TempDir(), "junit.xml")
	if err := writeJUnit(path, "ordenes", results); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`tests="5" failures="1" skipped="1"`, "it &lt;died&gt;", "7 ms", "no address"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("JUnit has no %s: %s", want, text)
		}
	}
	var table strings.Builder
	printHead(&table)
	for _, r := range results {
		printResult(&table, r)
	}
	printSum(&table, "ordenes", results)
	if want := "ordenes: must 1 passed, 1 failed; should 0 passed, 1 failed; 1 observed; 1 skipped"; !strings.Contains(table.String(), want) {
		t.Errorf("the table has no %q:\n%s", want, &table)
	}
}

// A record of the kit has each field of its schema, with the type of the schema.
func TestFit(t *testing.T) {
	schema, err := schemaOf("comandos-orden")
	if err != nil {
		t.Fatal(err)
	}
	d := data(map[string]any{"id_usuario": "${unique}"}, "01938f5e-7c1a-7000-8000-000000000001")
	set(d, "productos.0.cantidad", 3)
	set(d, "direccion.calle", "Calle 9")
	got, _ := fit(schema, map[string]any{"time": 7, "data": d}).(map[string]any)
	fields, _ := got["data"].(map[string]any)
	if got["time"] != int64(7) || got["id"] != "" || fields["id_usuario"] != "conformance-000000000001" || fmt.Sprint(fields["direccion"]) != "map[calle:Calle 9 ciudad: destinatario: telefono:]" {
		t.Errorf("%v", got)
	}
	if lines := []any{map[string]any{"id_producto": "", "cantidad": 3}}; !reflect.DeepEqual(fields["productos"], lines) {
		t.Errorf("productos: %v", fields["productos"])
	}
	if _, err := encode(schema, got); err != nil {
		t.Error(err)
	}
}
