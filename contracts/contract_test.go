package contracts_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"entregas/contracts"
)

// A record of each schema reads with the schema of the last release, in avro/published. Producers are rolled out before readers, so a
// new producer meets an old reader. At a release, avro/*.avsc is copied to avro/published.
func TestNewProducerBreaksNoPresentReader(t *testing.T) {
	for _, topic := range contracts.Names() {
		if _, err := os.Stat("avro/published/" + topic + ".avsc"); errors.Is(err, fs.ErrNotExist) {
			continue // a new topic: no release has it
		}
		t.Run(topic, func(t *testing.T) {
			if err := readsWith(t, read(t, "avro/"+topic+".avsc"), read(t, "avro/published/"+topic+".avsc")); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestThereAreNoSpareSchemas(t *testing.T) {
	for _, folder := range []string{"avro", "avro/published"} {
		files, err := filepath.Glob(folder + "/*.avsc")
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range files {
			if !slices.Contains(contracts.Names(), strings.TrimSuffix(filepath.Base(a), ".avsc")) {
				t.Errorf("contracts/%s is of no topic: delete it, or edit Topics in contracts/topics.go", a)
			}
		}
	}
}

// Only a new field at the end of data keeps old readers. An old record does not read with the new schema, so a reader is rolled out
// only after the last old message. TestNewProducerBreaksNoPresentReader would fail for any other change.
func TestWhichChangesATopicBears(t *testing.T) {
	const added = `{"name":"added","type":"string","default":"something"}`
	for _, c := range []struct {
		name               string
		of, a              string // the change, in the schema's text
		newToOld, oldToNew bool   // whether a record of the first reads with the second
	}{
		{"nothing", "", "", true, true},
		{"a doc", `"doc": "Who buys."`, `"doc": "The customer."`, true, true},
		{"a field at the very end of data", lastField, lastField + "," + added, true, false},
		{"a field before the end", firstField, firstField + added + ",", false, false},
		{"a field in each line", `"name": "cantidad",`, `"name": "cantidad", "type": "int"},{"name": "added",`, false, false},
		{"two fields of one type change places", swappedFields[0], swappedFields[1], false, false},
		{"another name", `"name": "id_usuario"`, `"name": "customer"`, false, false},
		{"another type", `"name": "domicilio",
            "type": "boolean"`, `"name": "domicilio", "type": "string"`, false, false},
		{"may be null now", `"name": "motivo",
            "type": "string"`, `"name": "motivo", "type": ["null","string"]`, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := read(t, "avro/published/comandos-gestor-compra.avsc")
			fresh := strings.Replace(old, c.of, c.a, 1)
			if fresh == old && c.of != c.a {
				t.Fatalf("the schema does not have %q any more", c.of)
			}
			if err := readsWith(t, fresh, old); (err == nil) != c.newToOld {
				t.Errorf("from the new to the published one: %v", err)
			}
			if err := readsWith(t, old, fresh); (err == nil) != c.oldToNew {
				t.Errorf("from the published to the new one: %v", err)
			}
		})
	}
}

// Pieces of avro/published/comandos-gestor-compra.avsc.
const (
	firstField = `"name": "DatosComandoGestorCompra",
        "fields": [`
	lastField = `{
            "name": "motivo",
            "type": "string",
            "doc": "Why, in words for a person; empty when there is nothing to say."
          }`
)

var swappedFields = [2]string{
	`"name": "id_compra",
            "type": "string",
            "doc": "The purchase: a UUID."
          },
          {
            "name": "id_usuario"`,
	`"name": "id_usuario",
            "type": "string",
            "doc": "The purchase: a UUID."
          },
          {
            "name": "id_compra"`,
}

// readsWith returns an error where a record of the schema written does not read with the schema readBack, through the codec of the
// component. Each field of the reader must have the value that was written under its name.
func readsWith(t *testing.T, written, readBack string) error {
	t.Helper()
	writtenExample := example(t, written)
	text, err := json.Marshal(writtenExample)
	if err != nil {
		t.Fatal(err)
	}
	record, err := newEncoder(t, written).record(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	back, err := newEncoder(t, readBack).text(record)
	if err != nil {
		return err
	}
	var loaded any
	if err := json.Unmarshal(back, &loaded); err != nil {
		return err
	}
	return contains(writtenExample, loaded, "")
}

// contains returns an error where everything does not have all of part. where is the place for the error.
func contains(everything, part any, where string) error {
	switch part := part.(type) {
	case map[string]any:
		entire, ok := everything.(map[string]any)
		if !ok {
			return fmt.Errorf("%s was no record", where)
		}
		for field, value := range part {
			written, wasThere := entire[field]
			if !wasThere {
				return fmt.Errorf("%s.%s was not there", where, field)
			}
			if err := contains(written, value, where+"."+field); err != nil {
				return err
			}
		}
		return nil
	case []any:
		entire, ok := everything.([]any)
		if !ok || len(entire) != len(part) {
			return fmt.Errorf("%s had another length", where)
		}
		for i := range part {
			if err := contains(entire[i], part[i], fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
		return nil
	default:
		if !reflect.DeepEqual(everything, part) {
			return fmt.Errorf("%s was %v and reads as %v", where, everything, part)
		}
		return nil
	}
}

// example returns a value of a schema. No two of its fields are alike, so that a test sees fields that change places.
func example(t *testing.T, schema string) any {
	t.Helper()
	var e any
	if err := json.Unmarshal([]byte(schema), &e); err != nil {
		t.Fatal(err)
	}
	counter := 0
	var value func(e any) any
	value = func(e any) any {
		counter++
		switch e := e.(type) {
		case []any: // a union: its last type
			return value(e[len(e)-1])
		case map[string]any:
			switch e["type"] {
			case "record":
				record := map[string]any{}
				for _, field := range e["fields"].([]any) {
					field := field.(map[string]any)
					record[field["name"].(string)] = value(field["type"])
				}
				return record
			case "array":
				return []any{value(e["items"]), value(e["items"])}
			}
			return value(e["type"])
		case string:
			switch e {
			case "string":
				return fmt.Sprint("value ", counter)
			case "int", "long":
				return float64(counter)
			case "boolean":
				return true
			}
		}
		t.Fatalf("example does not know the type %v", e)
		return nil
	}
	return value(e)
}

// The schemas in the components are those of the .avsc files, for each topic and its dead letters. `make generate` writes them.
func TestComponentsHaveTheSchemas(t *testing.T) {
	withDeadLetters := slices.Clone(contracts.Names())
	for _, topic := range contracts.Names() {
		withDeadLetters = append(withDeadLetters, topic+"-dlq")
	}
	components := map[string][]string{
		"../components/pubsub.yaml":      withDeadLetters,
		"../components/pubsub-live.yaml": {string(contracts.EventosCompra)},
	}
	for _, topic := range contracts.Topics {
		if topic.Component != "" {
			file := "../components/" + topic.Component + ".yaml"
			components[file] = append(components[file], topic.Name)
		}
	}
	for file, mustHave := range components {
		t.Run(filepath.Base(file), func(t *testing.T) {
			metadata := metadataOf(t, file)
			for _, topic := range mustHave {
				want := canonicalForm(t, read(t, "avro/"+strings.TrimSuffix(topic, "-dlq")+".avsc"))
				if given := metadata[topic+".avroschema"]; given == "" || canonicalForm(t, given) != want {
					t.Errorf("%s does not have the schema of contracts/avro/%s.avsc for %s: make generate", file, strings.TrimSuffix(topic, "-dlq"), topic)
				}
				if metadata[topic+".rawschema"] != "true" {
					t.Errorf("%s does not say that %s goes without an envelope (rawschema): make generate", file, topic)
				}
			}
			for name := range metadata {
				if topic, found := strings.CutSuffix(name, ".avroschema"); found && !slices.Contains(mustHave, topic) {
					t.Errorf("%s has a schema for %s, which is not a topic of it: make generate", file, topic)
				}
			}
		})
	}
}

func metadataOf(t *testing.T, file string) map[string]string {
	t.Helper()
	var component struct {
		Spec struct {
			Metadata []struct{ Name, Value string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, file)), &component); err != nil {
		t.Fatal(err)
	}
	metadata := map[string]string{}
	for _, m := range component.Spec.Metadata {
		metadata[m.Name] = m.Value
	}
	return metadata
}

// canonicalForm returns JSON without spaces, its members in the order of their names.
func canonicalForm(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	equal, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(equal)
}
