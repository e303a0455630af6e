package common

import (
	"io"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"entregas/contracts"
)

// MarshalTime writes the scalar Time in the form of the instants of REST.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.Quote(contracts.FormatInstant(t))) // the client is gone when this fails
	})
}

// UnmarshalTime reads the scalar Time, in RFC 3339.
func UnmarshalTime(v any) (time.Time, error) { return graphql.UnmarshalTime(v) }
