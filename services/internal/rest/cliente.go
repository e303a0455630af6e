package rest

import (
	"strings"

	"entregas/services/internal/errores"
)

const prefijoDeTipo = "urn:entregas:problema:"

// ErrorDe is the error behind a problem of one of our services: with its code, words and fields, so that it can be
// passed on. It is the opposite of ProblemaDe.
func ErrorDe(p Problema) error {
	codigo := errores.Codigo(strings.TrimPrefix(p.Type, prefijoDeTipo))
	if _, conocido := porCodigo[codigo]; !conocido {
		codigo = errores.Interno
	}
	return &errores.Error{Codigo: codigo, Mensaje: p.Detail, Campos: p.Errores}
}
