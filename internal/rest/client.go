package rest

import (
	"strings"

	"entregas/internal/errs"
)

const typePrefix = "urn:entregas:problema:"

// ErrorOf is the error behind a problem of one of our services: with its code, words and fields, so that it can be
// passed on. It is the opposite of ProblemOf.
func ErrorOf(p Problem) error {
	code := errs.Code(strings.TrimPrefix(p.Type, typePrefix))
	if _, isKnown := byCode[code]; !isKnown {
		code = errs.Internal
	}
	return &errs.Error{Codigo: code, Mensaje: p.Detail, Fields: p.Errores}
}
