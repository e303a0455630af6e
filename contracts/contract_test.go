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

// Every schema against avro/published, the last released one. Producers are rolled out first, so what is encoded with
// the new schema must read with the released one. When a version is released, avro/*.avsc is copied to avro/published.
func TestNewProducerBreaksNoPresentReader(t *testing.T) {
	for _, topic := range contracts.Names() {
		if _, err := os.Stat("avro/publicado/" + topic + ".avsc"); errors.Is(err, fs.ErrNotExist) {
			continue // a new topic, of which nothing was released
		}
		t.Run(topic, func(t *testing.T) {
			if err := readsWith(t, read(t, "avro/"+topic+".avsc"), read(t, "avro/publicado/"+topic+".avsc")); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestThereAreNoSpareSchemas(t *testing.T) {
	for _, folder := range []string{"avro", "avro/publicado"} {
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

// The one change that is allowed in place, and that the way back is closed: a subscriber is rolled out only when no old
// message is left. And that the test above would see any other change.
func TestWhichChangesATopicBears(t *testing.T) {
	const added = `{"name":"agregado","type":"string","default":"algo"}`
	for _, c := range []struct {
		name               string
		of, a              string // the change, in the schema's text
		newToOld, oldToNew bool   // whether a record of the first reads with the second
	}{
		{"nothing", "", "", true, true},
		{"a doc", `"doc": "Who buys."`, `"doc": "The customer."`, true, true},
		{"a field at the very end of data", lastField, lastField + "," + added, true, false},
		{"a field before the end", firstField, firstField + added + ",", false, false},
		{"a field in each line", `"name": "cantidad",`, `"name": "cantidad", "type": "int"},{"name": "agregado",`, false, false},
		{"two fields of one type change places", swappedFields[0], swappedFields[1], false, false},
		{"another name", `"name": "id_usuario"`, `"name": "cliente"`, false, false},
		{"another type", `"name": "domicilio",
            "type": "boolean"`, `"name": "domicilio", "type": "string"`, false, false},
		{"may be null now", `"name": "motivo",
            "type": "string"`, `"name": "motivo", "type": ["null","string"]`, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := read(t, "avro/publicado/comandos-gestor-compra.avsc")
			fresh := strings.Replace(old, c.of, c.a, 1)
			if fresh == old && c.of != c.a {
				t.Fatalf("el esquema ya no tiene %q", c.of)
			}
			if err := readsWith(t, fresh, old); (err == nil) != c.newToOld {
				t.Errorf("del nuevo al publicado: %v", err)
			}
			if err := readsWith(t, old, fresh); (err == nil) != c.oldToNew {
				t.Errorf("del publicado al nuevo: %v", err)
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

// readsWith tells whether a record written with one schema reads with another, through the component: every field that
// the reader knows must be there and be what was written under its name.
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

// contains tells whether all of parte is in everything.
func contains(everything, part any, where string) error {
	switch part := part.(type) {
	case map[string]any:
		entire, ok := everything.(map[string]any)
		if !ok {
			return fmt.Errorf("%s no era un registro", where)
		}
		for field, value := range part {
			written, wasThere := entire[field]
			if !wasThere {
				return fmt.Errorf("%s.%s no estaba", where, field)
			}
			if err := contains(written, value, where+"."+field); err != nil {
				return err
			}
		}
		return nil
	case []any:
		entire, ok := everything.([]any)
		if !ok || len(entire) != len(part) {
			return fmt.Errorf("%s tenía otro largo", where)
		}
		for i := range part {
			if err := contains(entire[i], part[i], fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
		return nil
	default:
		if !reflect.DeepEqual(everything, part) {
			return fmt.Errorf("%s era %v y se lee %v", where, everything, part)
		}
		return nil
	}
}

// example is a value of a schema in which no two fields are alike, so that fields which change places show.
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
		case []any: // of a union, the last
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
				return fmt.Sprint("valor ", counter)
			case "int", "long":
				return float64(counter)
			case "boolean":
				return true
			}
		}
		t.Fatalf("el ejemplo no conoce el tipo %v", e)
		return nil
	}
	return value(e)
}

// The schemas that the component registers are the .avsc, for each topic and its dead letters: `make generate` writes them.
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
				if topic, es := strings.CutSuffix(name, ".avroschema"); es && !slices.Contains(mustHave, topic) {
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

// canonicalForm is JSON without what does not count: spaces and the order of members.
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
