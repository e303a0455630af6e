package rest

import (
	"strings"

	"entregas/internal/errs"
)

const typePrefix = "urn:entregas:problema:"

// ErrorOf returns a problem of another service as an error with its code, message and fields, so that the caller can pass it
// on. It is the inverse of ProblemOf. An unknown code becomes Internal.
func ErrorOf(p Problem) error {
	code := errs.Code(strings.TrimPrefix(p.Type, typePrefix))
	if _, isKnown := byCode[code]; !isKnown {
		code = errs.Internal
	}
	return &errs.Error{Code: code, Message: p.Detail, Fields: p.Errores}
}
