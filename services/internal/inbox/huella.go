package inbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// huellaDe tells what commands ask apart. Zeros do not count: a field that a later version of the schema appends is zero in
// what an earlier one asked, and the command that is asked again after an upgrade is the one that was answered before it.
func huellaDe(datos any) (string, error) {
	texto, err := json.Marshal(datos)
	if err != nil {
		return "", err
	}
	var arbol any
	if err := json.Unmarshal(texto, &arbol); err != nil {
		return "", err
	}
	if texto, err = json.Marshal(sinCeros(arbol)); err != nil { // the keys in order
		return "", err
	}
	suma := sha256.Sum256(texto)
	return hex.EncodeToString(suma[:]), nil
}

// sinCeros is v without the fields that say nothing, nil where nothing is left. An array keeps its length.
func sinCeros(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for campo, valor := range v {
			if v[campo] = sinCeros(valor); v[campo] == nil {
				delete(v, campo)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = sinCeros(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}
