package contracts_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"entregas/contracts"
)

// asyncapi has the parts of the document that the tests read.
type asyncapi struct {
	Channels map[string]struct {
		Address  string
		Messages map[string]reference
	}
	Operations map[string]struct {
		Action  string
		Channel reference
		Service string `yaml:"x-service"`
	}
	Components struct {
		Messages map[string]struct {
			Name             string
			Headers, Payload reference
		}
		Schemas map[string]struct {
			SchemaFormat string `yaml:"schemaFormat"`
			Schema       reference
		}
	}
}

type reference struct {
	Ref string `yaml:"$ref"`
}

func (r reference) last() string { return r.Ref[strings.LastIndex(r.Ref, "/")+1:] }

// The document is valid by the schema of AsyncAPI 3.0.0.
func TestAsyncAPIIsValid(t *testing.T) {
	var document any
	if err := yaml.Unmarshal(contracts.AsyncAPI, &document); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/asyncapi-3.0.0.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("asyncapi.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("asyncapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(document); err != nil {
		t.Error(err)
	}
	m, ok := document.(map[string]any)
	if !ok {
		t.Fatalf("%T", document)
	}
	for _, field := range []string{"info", "channels"} { // the schema refuses a wrong document
		bad := maps.Clone(m)
		bad[field] = []any{"not one"}
		if compiled.Validate(bad) == nil {
			t.Errorf("a wrong %s is accepted", field)
		}
	}
}

// The document has every topic, its dead letters, its messages, its sender and its reader, as contracts.Topics and components/ have them.
func TestAsyncAPIIsTheCode(t *testing.T) {
	var a asyncapi
	if err := yaml.Unmarshal(contracts.AsyncAPI, &a); err != nil {
		t.Fatal(err)
	}
	topics := map[string]bool{}
	for _, name := range contracts.Names() {
		topics[name], topics[name+"-dlq"] = true, true
	}
	var kinds []string
	for name, channel := range a.Channels {
		if !topics[name] || channel.Address != "persistent://public/default/"+name {
			t.Errorf("asyncapi.yaml has a topic %s at %s, which is none: make generate", name, channel.Address)
		}
		delete(topics, name)
		source, deadLetters := strings.CutSuffix(name, "-dlq")
		for kind, r := range channel.Messages {
			m, found := a.Components.Messages[r.last()]
			s, hasSchema := a.Components.Schemas[m.Payload.last()]
			if !found || !hasSchema || m.Name != kind || !strings.Contains(s.SchemaFormat, "avro") || s.Schema.Ref != "./avro/"+source+".avsc" {
				t.Errorf("%s of %s: %+v %+v", kind, name, m, s)
			}
			if _, err := os.Stat(filepath.FromSlash(s.Schema.Ref)); err != nil {
				t.Error(err)
			}
			if (m.Headers.last() == "DeadLetterProperties") != deadLetters {
				t.Errorf("%s of %s has the properties %s", kind, name, m.Headers.Ref)
			}
			if !deadLetters {
				kinds = append(kinds, kind)
			}
		}
	}
	if len(topics) > 0 {
		t.Errorf("contracts/asyncapi.yaml does not have %v: make generate", topics)
	}
	slices.Sort(kinds)
	if code := kindsInCode(t); !slices.Equal(kinds, code) {
		t.Errorf("the messages of asyncapi.yaml are %v\nin the code they are %v: edit Topics in contracts/topics.go, then make generate", kinds, code)
	}

	heardBy := map[string][]string{} // by topic
	for name, op := range a.Operations {
		if _, found := a.Channels[op.Channel.last()]; !found || op.Service == "" {
			t.Errorf("%s: %+v", name, op)
		}
		if op.Action == "receive" {
			heardBy[op.Channel.last()] = append(heardBy[op.Channel.last()], op.Service)
		}
	}
	text, err := os.ReadFile("../components/subscriptions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	subscribed := map[string][]string{} // by topic
	for reader := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var s struct {
			Spec   struct{ Topic string }
			Scopes []string
		}
		if err := reader.Decode(&s); err != nil {
			break
		}
		subscribed[s.Spec.Topic] = append(subscribed[s.Spec.Topic], s.Scopes...)
	}
	for topic, apps := range subscribed { // the bff has two subscriptions of eventos-compra
		if got, want := sorted(heardBy[topic]), sorted(apps); !slices.Equal(got, want) {
			t.Errorf("%s is read by %v in asyncapi.yaml, and by %v in components/subscriptions.yaml: make generate", topic, got, want)
		}
	}
}

// sorted returns each of names once, in order.
func sorted(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

// kindsInCode returns the constants of type MessageType in topics.go, sorted.
func kindsInCode(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("topics.go")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for line := range strings.Lines(string(text)) {
		if _, value, found := strings.Cut(line, `MessageType = "`); found {
			kinds = append(kinds, strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	slices.Sort(kinds)
	return kinds
}
