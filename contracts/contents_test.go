package contracts_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"entregas/contracts"
)

// payloads returns the messages of asyncapi.yaml by type, each with its examples, and a function that compiles the JSON Schema of a type.
func payloads(t *testing.T) (examples map[string][]any, compile func(kind string) *jsonschema.Schema) {
	t.Helper()
	var a struct {
		Components struct {
			Messages map[string]struct {
				Examples []struct{ Payload any }
			}
			Schemas map[string]any
		}
	}
	if err := yaml.Unmarshal(contracts.AsyncAPI, &a); err != nil {
		t.Fatal(err)
	}
	examples = map[string][]any{}
	for kind, m := range a.Components.Messages {
		for _, e := range m.Examples {
			examples[kind] = append(examples[kind], e.Payload)
		}
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	text := func(max func(v *contracts.Validator, value string)) func(any) error {
		return func(value any) error {
			var v contracts.Validator
			if s, is := value.(string); is && s != "" {
				max(&v, s)
			}
			return v.Error()
		}
	}
	c.RegisterFormat(&jsonschema.Format{Name: contracts.FormatText, Validate: text(func(v *contracts.Validator, s string) { v.FreeText("", s, 1<<20) })})
	c.RegisterFormat(&jsonschema.Format{Name: contracts.FormatLine, Validate: text(func(v *contracts.Validator, s string) { v.Identifier("", contracts.Cut(s, 64)) })})
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded(t, map[string]any{"components": map[string]any{"schemas": a.Components.Schemas}})))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("asyncapi.json", document); err != nil {
		t.Fatal(err)
	}
	return examples, func(kind string) *jsonschema.Schema {
		t.Helper()
		schema, err := c.Compile("asyncapi.json#/components/schemas/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		return schema
	}
}

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Each message has an example that daprd can make a record of, and that its JSON Schema accepts. The schema has each field of the record.
func TestEachExampleIsValid(t *testing.T) {
	examples, compile := payloads(t)
	for _, topic := range contracts.Topics {
		codec := newEncoder(t, read(t, "avro/"+topic.Name+".avsc"))
		for _, kind := range topic.Messages {
			if len(examples[string(kind)]) == 0 {
				t.Errorf("%s has no example: edit contracts/internal/topics/examples.go", kind)
			}
			schema := compile(string(kind))
			for _, e := range examples[string(kind)] {
				record, err := codec.record(encoded(t, e))
				if err != nil {
					t.Errorf("%s: %v", kind, err)
					continue
				}
				back, err := codec.text(record)
				if err != nil {
					t.Fatal(err)
				}
				value, err := jsonschema.UnmarshalJSON(bytes.NewReader(back))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(value); err != nil {
					t.Errorf("%s: %v", kind, err)
				}
				m, _ := value.(map[string]any)
				data, _ := m["data"].(map[string]any)
				if got, want := slices.Sorted(maps.Keys(data)), slices.Sorted(slices.Values(dataFields(t, topic.Name))); !slices.Equal(got, want) {
					t.Errorf("%s has the fields %v, want %v", kind, got, want)
				}
				delete(data, "id_compra")
				if schema.Validate(value) == nil {
					t.Errorf("%s without id_compra is valid", kind)
				}
			}
		}
	}
}

// Each reply answers a command, on the topic of replies of the reader of the command. No command goes without a reply where the saga waits.
func TestRepliesAreOnTheTopicOfTheParticipant(t *testing.T) {
	for kind, c := range contracts.Contents {
		if contracts.TopicOf(kind).Name == "" {
			t.Errorf("Contents has %s, which is on no topic", kind)
		}
		for _, reply := range c.Replies {
			if sender, reader := contracts.TopicOf(reply).Sender, contracts.TopicOf(kind).Reader; sender != reader {
				t.Errorf("%s is a reply of %s to a command to %s", reply, sender, reader)
			}
		}
		if topic := contracts.TopicOf(kind); topic.Sender == "gestor-compra" && topic.Reader != "bff" && len(c.Replies) == 0 {
			t.Errorf("%s has no reply", kind)
		}
		for _, name := range c.Must {
			if slices.Contains(c.Never, name) || slices.Contains(c.Ignored, name) {
				t.Errorf("%s of %s is in two lists", name, kind)
			}
		}
	}
}

// A field has the same limits in openapi.yaml as in messages.
func TestOpenAPIHasTheBoundsOfMessages(t *testing.T) {
	type schema struct {
		Type                 string
		MinLength, MaxLength int
		Minimum, Maximum     int64
		MaxItems             int
		Enum                 []string
		Properties           map[string]yaml.Node
	}
	var document struct {
		Components struct{ Schemas map[string]yaml.Node }
	}
	if err := yaml.Unmarshal(contracts.OpenAPI, &document); err != nil {
		t.Fatal(err)
	}
	decoded := func(where string, node yaml.Node) (s schema) {
		for range 3 {
			var r struct {
				Ref string `yaml:"$ref"`
			}
			if err := node.Decode(&r); err != nil {
				t.Fatal(where, err)
			}
			if r.Ref == "" {
				break
			}
			node = document.Components.Schemas[r.Ref[strings.LastIndex(r.Ref, "/")+1:]]
		}
		var raw struct {
			Type             string
			MinLength        int `yaml:"minLength"`
			MaxLength        int `yaml:"maxLength"`
			Minimum, Maximum int64
			MaxItems         int `yaml:"maxItems"`
			Enum             []string
			Properties       map[string]yaml.Node
		}
		if err := node.Decode(&raw); err != nil {
			t.Fatal(where, err)
		}
		return schema(raw)
	}
	compared := 0
	for of, record := range map[string]string{"SolicitudCompra": "DatosComandoGestorCompra", "Linea": "Linea", "Direccion": "Direccion", "PrecioFijado": "PrecioFijado", "Cancelacion": "DatosComandoGestorCompra"} {
		node, found := document.Components.Schemas[of]
		if !found {
			t.Errorf("openapi.yaml has no schema %s", of)
			continue
		}
		for name, property := range decoded(of, node).Properties {
			b := contracts.BoundOf(record, name)
			if name == "id" {
				continue // a customer may leave it out, and the bff writes it small
			}
			p := decoded(of+"."+name, property)
			if p.Type == "boolean" || p.Type == "object" {
				continue
			}
			compared++
			if p.MaxLength != b.MaxLength && len(b.Enum) == 0 || p.Maximum != b.Maximum || p.Minimum != b.Minimum || p.MaxItems != b.MaxItems {
				t.Errorf("%s.%s is limited to %+v in openapi.yaml, and to %+v in contracts/contents.go", of, name, p, b)
			}
		}
	}
	if compared < 10 {
		t.Errorf("only %d fields were compared", compared)
	}
}
