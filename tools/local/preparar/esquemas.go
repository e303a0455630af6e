package preparar

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"entregas/contracts"
)

// registrarEsquema makes the broker's registry hold the schema of contracts/avro for a topic, and no version that a sidecar
// would misread. A sidecar reads the fields of a record by their position, so a version is good when its fields are the
// first ones of ours, or ours are the first of it: an earlier release, or a later one. Pulsar's own compatibility check
// compares names, and takes the fields in any order.
func (p Pulsar) registrarEsquema(ctx context.Context, topico string) error {
	nuestro, err := contracts.Esquema(topico)
	if err != nil {
		return err
	}
	ruta := "/admin/v2/schemas/public/default/" + topico + "/schema"
	ajeno, err := p.hayAjeno(ctx, ruta+"s", nuestro)
	if err != nil {
		return err
	}
	if ajeno {
		if err := p.pedir(ctx, "DELETE", ruta+"?force=true", ""); err != nil {
			return err
		}
	}
	cuerpo, err := json.Marshal(map[string]any{"type": "AVRO", "schema": nuestro, "properties": map[string]string{}})
	if err != nil {
		return err
	}
	estado, texto, err := p.enviar(ctx, "POST", ruta, string(cuerpo)) // a version that is there already stays the one it is
	if err == nil && estado/100 != 2 {
		err = noAceptada("POST", ruta, estado, texto)
	}
	return err
}

// hayAjeno tells whether the registry holds a version by which records would be misread.
func (p Pulsar) hayAjeno(ctx context.Context, ruta, nuestro string) (bool, error) {
	estado, texto, err := p.enviar(ctx, "GET", ruta, "")
	switch {
	case err != nil:
		return false, err
	case estado == http.StatusNotFound:
		return false, nil
	case estado/100 != 2:
		return false, noAceptada("GET", ruta, estado, texto)
	}
	var versiones struct {
		Lista []struct {
			Tipo  string `json:"type"`
			Texto string `json:"data"`
		} `json:"getSchemaResponses"`
	}
	if err := json.Unmarshal(texto, &versiones); err != nil {
		return false, fmt.Errorf("GET %s: %w", ruta, err)
	}
	for _, v := range versiones.Lista {
		if v.Tipo != "AVRO" || !seLeenIgual(v.Texto, nuestro) {
			return true, nil
		}
	}
	return false, nil
}

// seLeenIgual tells whether the fields of one schema are, in order, the first ones of the other.
func seLeenIgual(uno, otro string) bool {
	a, b := enOrden(uno), enOrden(otro)
	return a != "" && b != "" && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// enOrden spells names and types of a schema's fields in the order in which they stand on the wire; "" where it is none.
// Docs do not count. Only a record that is an array's item has an end: to the others a field may be appended.
func enOrden(esquema string) string {
	var raiz any
	if err := json.Unmarshal([]byte(esquema), &raiz); err != nil {
		return ""
	}
	var b strings.Builder
	var escribir func(tipo any)
	escribir = func(tipo any) {
		switch t := tipo.(type) {
		case string:
			b.WriteString(t)
		case map[string]any:
			switch t["type"] {
			case "record":
				campos, _ := t["fields"].([]any)
				for _, c := range campos {
					campo, _ := c.(map[string]any)
					fmt.Fprintf(&b, " %v:", campo["name"])
					escribir(campo["type"])
				}
			case "array":
				b.WriteString("[")
				escribir(t["items"])
				b.WriteString(" ]")
			default:
				escribir(t["type"])
			}
		default: // a union, which none of ours has
			fmt.Fprint(&b, t)
		}
	}
	escribir(raiz)
	return b.String()
}
