// Command topics writes the schemas in the Dapr components, the subscriptions and asyncapi.yaml. Its sources are contracts.Topics and the
// Avro schemas. `go generate` runs it in the folder contracts.
package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
	"time"

	"entregas/contracts"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	schemas := map[string]schema{}
	for _, topic := range contracts.Topics {
		s, err := readSchema(topic.Name)
		if err != nil {
			return err
		}
		schemas[topic.Name] = s
	}
	files, err := filepath.Glob("../components/pubsub*.yaml")
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := writeSchemas(file, schemas); err != nil {
			return err
		}
	}
	if err := write("../components/subscriptions.yaml", subscriptions, contracts.Topics); err != nil {
		return err
	}
	d, err := newDocument(schemas)
	if err != nil {
		return err
	}
	return write("asyncapi.yaml", asyncAPI, d)
}

// schema is the Avro record of a topic.
type schema struct {
	name, compact string
	record        avroType
}

func readSchema(topic string) (schema, error) {
	text, err := contracts.AvroSchema(topic)
	if err != nil {
		return schema{}, err
	}
	var record avroType
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		return schema{}, fmt.Errorf("avro/%s.avsc: %w", topic, err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		return schema{}, fmt.Errorf("avro/%s.avsc: %w", topic, err)
	}
	return schema{record.Name, compact.String(), record}, nil
}

// entries matches the schemas in the file of a component. They must stand in one place.
var entries = regexp.MustCompile(`(    - name: \S+\.(avroschema|rawschema)\n      value: .*\n)+`)

// writeSchemas replaces the schemas in the file of a component. The component pubsub has all topics and their dead letters, because services
// publish through it. Another component has only the topics that are read through it.
func writeSchemas(file string, schemas map[string]schema) error {
	component := strings.TrimSuffix(filepath.Base(file), ".yaml")
	var b strings.Builder
	for _, t := range contracts.Topics {
		var names []string
		switch {
		case component == "pubsub":
			names = []string{t.Name, t.Name + "-dlq"}
		case t.Component == component, component == "pubsub-live" && t.Name == string(contracts.EventosCompra):
			names = []string{t.Name}
		}
		for _, name := range names {
			fmt.Fprintf(&b, "    - name: %s.avroschema\n      value: '%s'\n    - name: %[1]s.rawschema\n      value: \"true\"\n",
				name, strings.ReplaceAll(schemas[t.Name].compact, "'", "''"))
		}
	}
	before, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if len(entries.FindAllIndex(before, -1)) != 1 {
		return fmt.Errorf("%s does not have its schemas in one place", file)
	}
	return os.WriteFile(file, entries.ReplaceAllLiteral(before, []byte(b.String())), 0o600)
}

//go:embed subscriptions.yaml.tmpl
var subscriptions string

//go:embed asyncapi.yaml.tmpl
var asyncAPI string

// document is what asyncapi.yaml is made of.
type document struct {
	Topics   []topic
	Envelope string // JSON Schema
	MaxAge   time.Duration
	MaxTries int
	Record   int // the largest record, in bytes of its JSON
}

// topic is a Topic with the name of its Avro record, how its reader receives it, and what its messages say.
type topic struct {
	contracts.Topic
	Record   string
	Handlers string
	Payloads map[contracts.MessageType]payload
}

func newDocument(schemas map[string]schema) (document, error) {
	d := document{MaxAge: contracts.MaxCommandAge, MaxTries: contracts.MaxTries, Record: contracts.MaxRecord}
	var err error
	if d.Envelope, err = envelope(schemas[contracts.Topics[0].Name].record); err != nil {
		return document{}, err
	}
	for _, t := range contracts.Topics {
		all := topic{Topic: t, Record: schemas[t.Name].name, Payloads: map[contracts.MessageType]payload{}}
		if all.Handlers, err = handlersOf(t); err != nil {
			return document{}, err
		}
		for _, kind := range t.Messages {
			if all.Payloads[kind], err = payloadOf(kind, schemas[t.Name].record); err != nil {
				return document{}, err
			}
		}
		d.Topics = append(d.Topics, all)
	}
	return d, nil
}

var handlers = regexp.MustCompile(`name: maxConcurrentHandlers\n +value: "(\d+)"`)

// handlersOf returns how many messages of a topic one replica of its reader handles at once.
func handlersOf(t contracts.Topic) (string, error) {
	file := "../components/" + cmp.Or(t.Component, "pubsub") + ".yaml"
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	found := handlers.FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("%s has no maxConcurrentHandlers", file)
	}
	return string(found[1]), nil
}

func write(file, text string, data any) error {
	days := func(d time.Duration) string { return fmt.Sprintf("P%dD", d/(24*time.Hour)) }
	t, err := template.New(file).Funcs(template.FuncMap{"days": days, "topicOf": contracts.TopicOf}).Parse(text)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o600)
}
