package contracts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"

	"entregas/contracts"
)

// Each topic and each message with a constant in topics.go is in Topics, once. Each topic has the fields and the schema that `make generate`
// needs.
func TestTopicsAreWhole(t *testing.T) {
	source, err := os.ReadFile("topics.go")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`TopicName\[\w+\]\s*= "([\w-]+)"`).FindAllSubmatch(source, -1)
	if len(named) < len(contracts.Topics) {
		t.Fatalf("only %d of %d topics were found in topics.go: the pattern does not know them any more", len(named), len(contracts.Topics))
	}
	for _, m := range named {
		if !slices.Contains(contracts.Names(), string(m[1])) {
			t.Errorf("topic %s is not in Topics: edit contracts/topics.go", m[1])
		}
	}
	sent := map[contracts.MessageType]int{}
	for _, topic := range contracts.Topics {
		if topic.Sender == "" || topic.Reader == "" || topic.About == "" || len(topic.Messages) == 0 {
			t.Errorf("%s has no Sender, Reader, About or Messages: edit Topics in contracts/topics.go", topic.Name)
		}
		if _, err := contracts.AvroSchema(topic.Name); err != nil {
			t.Errorf("%s has no schema: add contracts/avro/%[1]s.avsc", topic.Name)
		}
		fields := dataFields(t, topic.Name)
		for _, name := range topic.Compared {
			if !slices.Contains(fields, name) {
				t.Errorf("Compared of %s names %s, which is no field of its data: edit contracts/topics.go", topic.Name, name)
			}
		}
		for _, m := range topic.Messages {
			sent[m]++
		}
	}
	for _, m := range kindsInCode(t) {
		if n := sent[contracts.MessageType(m)]; n != 1 {
			t.Errorf("%s is on %d topics, and must be on one: edit Topics in contracts/topics.go", m, n)
		}
	}
}

// dataFields returns the names of the fields of data in the schema of a topic.
func dataFields(t *testing.T, topic string) (names []string) {
	t.Helper()
	var schema struct {
		Fields []struct{ Name, Type any }
	}
	if err := json.Unmarshal([]byte(read(t, "avro/"+topic+".avsc")), &schema); err != nil {
		t.Fatal(err)
	}
	data, _ := schema.Fields[len(schema.Fields)-1].Type.(map[string]any)
	fields, _ := data["fields"].([]any)
	for _, f := range fields {
		field, _ := f.(map[string]any)
		names = append(names, fmt.Sprint(field["name"]))
	}
	return names
}

// Each topic has a subscription of its Reader, through its Component, and one of each of its Others, through pubsub.
func TestEachTopicHasASubscription(t *testing.T) {
	const file = "../components/subscriptions.yaml"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	type subscription struct{ component, topic, reader string }
	var declared []subscription
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var s struct {
			Spec   struct{ Pubsubname, Topic string }
			Scopes []string
		}
		if d.Decode(&s) != nil {
			break
		}
		for _, app := range s.Scopes {
			declared = append(declared, subscription{s.Spec.Pubsubname, s.Spec.Topic, app})
		}
	}
	for _, topic := range contracts.Topics {
		want := subscription{"pubsub", topic.Name, topic.Reader}
		if topic.Component != "" {
			want.component = topic.Component
		}
		if !slices.Contains(declared, want) {
			t.Errorf("components/subscriptions.yaml does not have %+v: make generate", want)
		}
		for _, other := range topic.Others {
			if want := (subscription{"pubsub", topic.Name, other}); !slices.Contains(declared, want) {
				t.Errorf("components/subscriptions.yaml does not have %+v: make generate", want)
			}
		}
	}
}
