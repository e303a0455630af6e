package setup

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"entregas/contracts"
)

// registerSchema registers the schema of contracts/avro for a topic, and deletes all versions if a sidecar would misread one.
// A sidecar reads the fields of a record by their position. So a version is good if its fields are the first ones of our
// schema (an earlier release), or if our fields are its first ones (a later release). Pulsar's own check compares names only
// and accepts the fields in any order.
func (p Pulsar) registerSchema(ctx context.Context, topic string) error {
	ours, err := contracts.AvroSchema(topic)
	if err != nil {
		return err
	}
	path := "/admin/v2/schemas/public/default/" + topic + "/schema"
	foreign, err := p.hasForeign(ctx, path+"s", ours)
	if err != nil {
		return err
	}
	if foreign {
		if err := p.ask(ctx, "DELETE", path+"?force=true", ""); err != nil {
			return err
		}
	}
	body, err := json.Marshal(map[string]any{"type": "AVRO", "schema": ours, "properties": map[string]string{}})
	if err != nil {
		return err
	}
	status, text, err := p.send(ctx, "POST", path, string(body)) // a version that the registry already has keeps its number
	if err == nil && status/100 != 2 {
		err = notAccepted("POST", path, status, text)
	}
	return err
}

// hasForeign reports whether the registry has a version that a sidecar would misread.
func (p Pulsar) hasForeign(ctx context.Context, path, ours string) (bool, error) {
	status, text, err := p.send(ctx, "GET", path, "")
	switch {
	case err != nil:
		return false, err
	case status == http.StatusNotFound:
		return false, nil
	case status/100 != 2:
		return false, notAccepted("GET", path, status, text)
	}
	var versions struct {
		List []struct {
			Type string `json:"type"`
			Text string `json:"data"`
		} `json:"getSchemaResponses"`
	}
	if err := json.Unmarshal(text, &versions); err != nil {
		return false, fmt.Errorf("GET %s: %w", path, err)
	}
	for _, v := range versions.List {
		if v.Type != "AVRO" || !readTheSame(v.Text, ours) {
			return true, nil
		}
	}
	return false, nil
}

// readTheSame reports whether one of the two schemas begins with all fields of the other, in the same order.
func readTheSame(one, other string) bool {
	a, b := inOrder(one), inOrder(other)
	return a != "" && b != "" && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// inOrder returns the names and types of the fields of a schema as one text, in their order on the wire. It returns "" if the text is
// no schema. It leaves the docs out. A record that is the item of an array has a mark at its end, because it cannot get further
// fields. Every other record can.
func inOrder(schema string) string {
	var root any
	if err := json.Unmarshal([]byte(schema), &root); err != nil {
		return ""
	}
	var b strings.Builder
	var write func(kind any)
	write = func(kind any) {
		switch t := kind.(type) {
		case string:
			b.WriteString(t)
		case map[string]any:
			switch t["type"] {
			case "record":
				fields, _ := t["fields"].([]any)
				for _, c := range fields {
					field, _ := c.(map[string]any)
					fmt.Fprintf(&b, " %v:", field["name"])
					write(field["type"])
				}
			case "array":
				b.WriteString("[")
				write(t["items"])
				b.WriteString(" ]")
			default:
				write(t["type"])
			}
		default: // a union; our schemas have none
			fmt.Fprint(&b, t)
		}
	}
	write(root)
	return b.String()
}
