package common

import (
	"encoding/json"
	"io"
	"strconv"

	"github.com/99designs/gqlgen/graphql"

	"entregas/contracts"
)

// MarshalImporte writes the scalar Importe: null for 0, which is no amount.
func MarshalImporte(n int64) graphql.Marshaler {
	if n == 0 {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.FormatInt(n, 10)) // the client is gone when this fails
	})
}

// UnmarshalImporte reads the scalar Importe: a whole number. A text, a fraction and an exponent are Invalid.
func UnmarshalImporte(v any) (int64, error) {
	switch n := v.(type) {
	case int64:
		return n, nil
	case int:
		return int64(n), nil
	case json.Number:
		if whole, err := n.Int64(); err == nil {
			return whole, nil
		}
	}
	return 0, contracts.BadField("precio", "debe ser un número entero")
}
