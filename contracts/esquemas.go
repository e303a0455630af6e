package contracts

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed avro/*.avsc
var esquemas embed.FS

// sufijoMuertos is how the topic for a topic's dead letters is called.
const sufijoMuertos = "-dlq"

// Esquema is the Avro schema of a topic, or of its dead letters, for programs that read the broker directly.
func Esquema(tema string) (string, error) {
	texto, err := esquemas.ReadFile("avro/" + strings.TrimSuffix(tema, sufijoMuertos) + ".avsc")
	if err != nil {
		return "", fmt.Errorf("esquema de %s: %w", tema, err)
	}
	return string(texto), nil
}

// EmptyRecord is the JSON of a topic's record in which every field has its empty value.
func EmptyRecord(tema string) ([]byte, error) {
	texto, err := Esquema(tema)
	if err != nil {
		return nil, err
	}
	var esquema any
	if err := json.Unmarshal([]byte(texto), &esquema); err != nil {
		return nil, fmt.Errorf("esquema de %s: %w", tema, err)
	}
	return json.Marshal(emptyValue(esquema))
}

func emptyValue(tipo any) any {
	if t, compuesto := tipo.(map[string]any); compuesto {
		switch t["type"] {
		case "record":
			valor := map[string]any{}
			campos, _ := t["fields"].([]any)
			for _, c := range campos {
				if campo, es := c.(map[string]any); es {
					valor[fmt.Sprint(campo["name"])] = emptyValue(campo["type"])
				}
			}
			return valor
		case "array":
			return []any{}
		}
		return emptyValue(t["type"])
	}
	switch tipo {
	case "boolean":
		return false
	case "string":
		return ""
	default:
		return 0
	}
}
