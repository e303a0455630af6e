package inbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// fingerprintOf returns a digest of the data of a command. Fields with a zero value are left out: a field that a later version
// of the schema appends is zero in an older command, whose fingerprint must not change by an upgrade.
func fingerprintOf(data any) (string, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return "", err
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return "", err
	}
	if text, err = json.Marshal(withoutZeros(tree)); err != nil { // the keys in order
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// withoutZeros returns v without the fields that have a zero value, or nil when nothing is left. An array keeps its length.
func withoutZeros(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for field, value := range v {
			if v[field] = withoutZeros(value); v[field] == nil {
				delete(v, field)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = withoutZeros(v[i])
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
