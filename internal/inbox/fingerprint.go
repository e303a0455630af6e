package inbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// fingerprintOf returns the fingerprint of the data of a command by docs/adr/stored-replies.md, and the one that releases before that rule
// stored: they escaped <, >, &, U+2028 and U+2029. compared are the names of the fields of data that count.
func fingerprintOf(data any, compared []string) (fingerprint, former string, err error) {
	text, err := json.Marshal(data)
	if err != nil {
		return "", "", err
	}
	var fields map[string]any
	reader := json.NewDecoder(bytes.NewReader(text))
	reader.UseNumber() // an integer keeps its digits
	if err := reader.Decode(&fields); err != nil {
		return "", "", err
	}
	for name := range fields {
		if !slices.Contains(compared, name) {
			delete(fields, name)
		}
	}
	left := withoutEmpty(fields)
	escaped, err := json.Marshal(left) // the keys in order
	if err != nil {
		return "", "", err
	}
	var plain bytes.Buffer
	writer := json.NewEncoder(&plain)
	writer.SetEscapeHTML(false)
	if err := writer.Encode(left); err != nil {
		return "", "", err
	}
	return hash(separators.Replace(strings.TrimSuffix(plain.String(), "\n"))), hash(string(escaped)), nil
}

// separators undoes the two escapes that the encoder makes always. It reads an escaped backslash as one piece.
var separators = strings.NewReplacer(`\\`, `\\`, `\u2028`, "\u2028", `\u2029`, "\u2029")

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// withoutEmpty returns v without the fields that are empty, or nil when nothing is left. An array keeps its length.
func withoutEmpty(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for field, value := range v {
			if v[field] = withoutEmpty(value); v[field] == nil {
				delete(v, field)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = withoutEmpty(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case json.Number:
		if v == "0" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}
