package access

import (
	"context"

	"entregas/bff/identity"
	"entregas/contracts"
)

// How far back a summary looks, in seconds, and a look at the queues, in minutes, where nobody says.
const (
	DefaultWindow  = 300
	DefaultMinutes = 15
)

// What is accepted, in words for a person.
const (
	SecondsForm = "debe ser un número de 1 a 86400"
	MinutesForm = "debe ser un número de 1 a 15"
)

// operadorByID lets operators through, and gives id in its canonical form: an order's id has that of a purchase's.
func (g Gate) operadorByID(ctx context.Context, id string) (string, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return id, err
	}
	id = contracts.CanonicalID(id)
	var v contracts.Validator
	v.IDCompra("id", id)
	return id, v.Error()
}

// cursor refuses what no list gave, before any service is asked.
func cursor(after string) error {
	_, err := contracts.ParseCursor(after)
	return err
}
