package common

import (
	"io"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"entregas/contracts"
)

// MarshalTime writes the scalar Time as REST writes its instants.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.Quote(contracts.FormatInstant(t))) // the client is gone when this fails
	})
}

// UnmarshalTime reads the scalar Time; no argument has it.
func UnmarshalTime(v any) (time.Time, error) { return graphql.UnmarshalTime(v) }
