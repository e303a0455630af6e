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

// operadorConID: an order's id has the form of a purchase's.
func (p Puerta) operadorConID(ctx context.Context, id string) error {
	var v contracts.Validador
	v.IDCompra("id", id)
	if err := identidad.ExigirDe(ctx, operador); err != nil {
		return err
	}
	return v.Error()
}

// cursor refuses what no list gave, before any service is asked.
func cursor(despues string) error {
	_, err := contracts.ParseCursor(despues)
	return err
}
