package contracts

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed avro/*.avsc
var esquemas embed.FS

// sufijoMuertos is how the topic for a topic's dead letters is called.
const sufijoMuertos = "-dlq"

// Esquema is the Avro schema of a topic, or of its dead letters, for who reads the broker directly.
func Esquema(tema string) (string, error) {
	texto, err := esquemas.ReadFile("avro/" + strings.TrimSuffix(tema, sufijoMuertos) + ".avsc")
	if err != nil {
		return "", fmt.Errorf("esquema de %s: %w", tema, err)
	}
	return string(texto), nil
}
