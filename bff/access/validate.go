package access

import (
	"context"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
)

// The default periods of a summary and of the queues.
const (
	DefaultWindow  = 300 // seconds of a summary, if the request has no period
	DefaultMinutes = 15  // minutes of the queues, if the request has no period
)

// SecondsForm and MinutesForm say in Spanish which periods a request may have.
const (
	SecondsForm = "debe ser un número de 1 a 86400"
	MinutesForm = "debe ser un número de 1 a 15"
)

// compraForOperador refuses a caller that is no operator, and returns the id of the purchase that name names: see Resolve.
func (g Gate) compraForOperador(ctx context.Context, name string) (string, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return name, err
	}
	id, err := g.Resolve(ctx, name)
	if err != nil {
		return name, err
	}
	return g.operadorByID(ctx, id)
}

// operadorByID refuses a caller that is no operator, and returns the canonical form of the id of a purchase or an order.
func (g Gate) operadorByID(ctx context.Context, id string) (string, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return id, err
	}
	id = contracts.CanonicalID(id)
	var v contracts.Validator
	v.IDCompra("id", id)
	return id, v.Error()
}

// checkLimit refuses the size of a page that no list has.
func checkLimit(v *contracts.Validator, limit int) {
	if limit < 1 || limit > compras.MaxPage {
		v.Fail("limite", compras.LimitForm)
	}
}

// cursor refuses a cursor that no page of a customer's list gave, before a service is called. Error: Invalid.
func cursor(after string) error {
	_, err := contracts.ParseCursorOfUsuario(after)
	return err
}
