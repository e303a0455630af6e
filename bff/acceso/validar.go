package acceso

import (
	"context"

	"entregas/contracts"
	"entregas/services/bff/identidad"
)

// operadorConID: an order's id has the form of a purchase's.
func (p Puerta) operadorConID(ctx context.Context, id string) error {
	var v contracts.Validador
	v.IDCompra("id", id)
	if err := identidad.ExigirDe(ctx, operador); err != nil {
		return err
	}
	return v.Error()
}

// maxCursor is longer than any that the owner gives. What means something is the owner's to say, but it has to reach it: a
// sidecar refuses an address of many kilobytes.
const maxCursor = 256

func cursor(despues string) error {
	if len(despues) > maxCursor {
		return contracts.CampoMalo("despues", "debe ser el que dio la página anterior")
	}
	return nil
}
