package acceso

import (
	"context"

	"entregas/contracts"
	"entregas/services/bff/identidad"
)

// How far back a summary looks, in seconds, and a look at the queues, in minutes, where nobody says.
const (
	VentanaNormal   = 300
	MinutosNormales = 15
)

// What is accepted, in words for a person.
const (
	FormaDeSegundos = "debe ser un número de 1 a 86400"
	FormaDeMinutos  = "debe ser un número de 1 a 15"
)

// operadorConID lets operators through, and gives id in its canonical form: an order's id has that of a purchase's.
func (p Puerta) operadorConID(ctx context.Context, id string) (string, error) {
	if err := identidad.ExigirDe(ctx, operador); err != nil {
		return id, err
	}
	id = contracts.CanonicalID(id)
	var v contracts.Validador
	v.IDCompra("id", id)
	return id, v.Error()
}

// cursor refuses what no list gave, before any service is asked.
func cursor(despues string) error {
	_, err := contracts.ParseCursor(despues)
	return err
}
