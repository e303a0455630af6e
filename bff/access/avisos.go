package access

import (
	"context"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
)

// Direcciones is the service avisos, which owns the addresses to which the changes of purchases are delivered.
type Direcciones interface {
	Direcciones(ctx context.Context) ([]contracts.DireccionDeAviso, error)
	CreateDireccion(ctx context.Context, d contracts.NuevaDireccion) (contracts.DireccionDeAviso, error)
	ChangeDireccion(ctx context.Context, id string, activa bool) (contracts.DireccionDeAviso, error)
	RenewSecreto(ctx context.Context, id string) (contracts.DireccionDeAviso, error)
	DeleteDireccion(ctx context.Context, id string) error
}

// Entregas is the service avisos, which owns the deliveries.
type Entregas interface {
	Entregas(ctx context.Context, f contracts.EntregasFilter, limit int, after string) (contracts.PaginaDeEntregas, error)
	TestDireccion(ctx context.Context, id string) (contracts.EntregaDeAviso, error)
	SendAgain(ctx context.Context, id string) (contracts.EntregaDeAviso, error)
}

const (
	direccionesPath = "/api/avisos/direcciones"
	entregasPath    = "/api/avisos/entregas"
)

// Direcciones returns the addresses to which the changes of purchases are delivered, for operators.
func (g Gate) Direcciones(ctx context.Context) ([]contracts.DireccionDeAviso, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return nil, err
	}
	return g.Webhooks.Direcciones(ctx)
}

// CreateDireccion adds an address, for operators. A second try could add it twice, so there is none where the outcome is unknown.
func (g Gate) CreateDireccion(ctx context.Context, d contracts.NuevaDireccion) (contracts.DireccionDeAviso, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.DireccionDeAviso{}, err
	}
	if err := d.Validate(); err != nil {
		return contracts.DireccionDeAviso{}, err
	}
	one, err := g.Webhooks.CreateDireccion(ctx, d)
	return one, unknownOutcome(err, direccionesPath, "si está en la lista sin que usted vea su secreto, renuévelo.")
}

// ChangeDireccion pauses an address or uses it again, for operators.
func (g Gate) ChangeDireccion(ctx context.Context, id string, activa bool) (contracts.DireccionDeAviso, error) {
	id, err := g.operadorByID(ctx, id)
	if err != nil {
		return contracts.DireccionDeAviso{}, err
	}
	return compras.Settle(ctx, direccionesPath, "", func(ctx context.Context, _ bool) (contracts.DireccionDeAviso, error) {
		return g.Webhooks.ChangeDireccion(ctx, id, activa)
	})
}

// RenewSecreto gives an address a new secret, for operators.
func (g Gate) RenewSecreto(ctx context.Context, id string) (contracts.DireccionDeAviso, error) {
	id, err := g.operadorByID(ctx, id)
	if err != nil {
		return contracts.DireccionDeAviso{}, err
	}
	one, err := g.Webhooks.RenewSecreto(ctx, id)
	return one, unknownOutcome(err, direccionesPath, "el secreto puede ser ya otro, que nadie vio: renuévelo otra vez.")
}

// DeleteDireccion deletes an address with its deliveries, for operators.
func (g Gate) DeleteDireccion(ctx context.Context, id string) error {
	id, err := g.operadorByID(ctx, id)
	if err != nil {
		return err
	}
	_, err = compras.Settle(ctx, direccionesPath, "", func(ctx context.Context, _ bool) (struct{}, error) {
		return struct{}{}, g.Webhooks.DeleteDireccion(ctx, id)
	})
	return err
}

// Entregas returns a page of the deliveries that f selects, for operators.
func (g Gate) Entregas(ctx context.Context, f contracts.EntregasFilter, limit int, after string) (contracts.PaginaDeEntregas, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.PaginaDeEntregas{}, err
	}
	f.IDDireccion, f.IDCompra = contracts.CanonicalID(f.IDDireccion), contracts.CanonicalID(f.IDCompra)
	if err := f.Validate(limit, after); err != nil {
		return contracts.PaginaDeEntregas{}, err
	}
	return g.Deliveries.Entregas(ctx, f, limit, after)
}

// TestDireccion delivers a test to an address, for operators.
func (g Gate) TestDireccion(ctx context.Context, id string) (contracts.EntregaDeAviso, error) {
	return g.onEntrega(ctx, id, g.Deliveries.TestDireccion)
}

// SendAgain makes a delivery again, for operators.
func (g Gate) SendAgain(ctx context.Context, id string) (contracts.EntregaDeAviso, error) {
	return g.onEntrega(ctx, id, g.Deliveries.SendAgain)
}

// onEntrega calls do, once: a second call would deliver twice.
func (g Gate) onEntrega(ctx context.Context, id string, do func(context.Context, string) (contracts.EntregaDeAviso, error)) (contracts.EntregaDeAviso, error) {
	id, err := g.operadorByID(ctx, id)
	if err != nil {
		return contracts.EntregaDeAviso{}, err
	}
	one, err := do(ctx, id)
	return one, unknownOutcome(err, entregasPath, "la entrega se haría otra vez.")
}

// unknownOutcome returns err, or OutcomeUnknown with see and repeat where the service may have done the write that failed with err.
func unknownOutcome(err error, see, repeat string) error {
	if compras.InDoubt(err) {
		return compras.OutcomeUnknown(see, repeat, err)
	}
	return err
}
