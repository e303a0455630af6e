package contracts

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed avro/*.avsc
var schemas embed.FS

// deadLetterSuffix is the end of the name of a topic for dead letters.
const deadLetterSuffix = "-dlq"

// AvroSchema returns the Avro schema of a topic or of its topic for dead letters, for a program that reads the broker directly.
func AvroSchema(topic string) (string, error) {
	text, err := schemas.ReadFile("avro/" + strings.TrimSuffix(topic, deadLetterSuffix) + ".avsc")
	if err != nil {
		return "", fmt.Errorf("schema of %s: %w", topic, err)
	}
	return string(text), nil
}

// EmptyRecord returns the JSON of a record of the topic in which every field is empty.
func EmptyRecord(topic string) ([]byte, error) {
	text, err := AvroSchema(topic)
	if err != nil {
		return nil, err
	}
	var schema any
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", topic, err)
	}
	return json.Marshal(emptyValue(schema))
}

func emptyValue(kind any) any {
	if t, composite := kind.(map[string]any); composite {
		switch t["type"] {
		case "record":
			value := map[string]any{}
			fields, _ := t["fields"].([]any)
			for _, c := range fields {
				if field, ok := c.(map[string]any); ok {
					value[fmt.Sprint(field["name"])] = emptyValue(field["type"])
				}
			}
			return value
		case "array":
			return []any{}
		}
		return emptyValue(t["type"])
	}
	switch kind {
	case "boolean":
		return false
	case "string":
		return ""
	default:
		return 0
	}
}
