package contracts

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed avro/*.avsc
var schemas embed.FS

// deadLetterSuffix is how the topic for a topic's dead letters is called.
const deadLetterSuffix = "-dlq"

// AvroSchema is the Avro schema of a topic, or of its dead letters, for programs that read the broker directly.
func AvroSchema(topic string) (string, error) {
	text, err := schemas.ReadFile("avro/" + strings.TrimSuffix(topic, deadLetterSuffix) + ".avsc")
	if err != nil {
		return "", fmt.Errorf("esquema de %s: %w", topic, err)
	}
	return string(text), nil
}

// EmptyRecord is the JSON of a topic's record in which every field has its empty value.
func EmptyRecord(topic string) ([]byte, error) {
	text, err := AvroSchema(topic)
	if err != nil {
		return nil, err
	}
	var schema any
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		return nil, fmt.Errorf("esquema de %s: %w", topic, err)
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
				if field, es := c.(map[string]any); es {
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
