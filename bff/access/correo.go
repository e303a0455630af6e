package access

import (
	"context"
	"net/url"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/errs"
)

// Correos is the service avisos, which owns the e-mail addresses of customers.
type Correos interface {
	Correo(ctx context.Context, idUsuario string) (contracts.CorreoDeUsuario, error)
	SetCorreo(ctx context.Context, idUsuario string, c contracts.CambioDeCorreo) error
	DeleteCorreo(ctx context.Context, idUsuario string) error
}

// Correo returns the e-mail address of a customer to that customer, and to nobody else.
func (g Gate) Correo(ctx context.Context, idUsuario string) (contracts.CorreoDeUsuario, error) {
	if err := onlySelf(ctx, idUsuario); err != nil {
		return contracts.CorreoDeUsuario{}, err
	}
	return g.Mail.Correo(ctx, idUsuario)
}

// SetCorreo stores the e-mail address of a customer, for that customer.
func (g Gate) SetCorreo(ctx context.Context, idUsuario string, c contracts.CambioDeCorreo) error {
	return g.onCorreo(ctx, idUsuario, c.Validate, func(ctx context.Context) error { return g.Mail.SetCorreo(ctx, idUsuario, c) })
}

// DeleteCorreo deletes the e-mail address of a customer, for that customer.
func (g Gate) DeleteCorreo(ctx context.Context, idUsuario string) error {
	return g.onCorreo(ctx, idUsuario, func() error { return nil }, func(ctx context.Context) error { return g.Mail.DeleteCorreo(ctx, idUsuario) })
}

func (g Gate) onCorreo(ctx context.Context, idUsuario string, validate func() error, do func(context.Context) error) error {
	if err := onlySelf(ctx, idUsuario); err != nil {
		return err
	}
	if err := validate(); err != nil {
		return err
	}
	_, err := compras.Settle(ctx, "/api/usuarios/"+url.PathEscape(idUsuario)+"/correo", "", func(ctx context.Context, _ bool) (struct{}, error) {
		return struct{}{}, do(ctx)
	})
	return err
}

// onlySelf refuses a caller that is not the customer. For another customer the error is NotFound, for an operator too.
func onlySelf(ctx context.Context, idUsuario string) error {
	if err := identity.Require(ctx); err != nil {
		return err
	}
	if idUsuario != identity.Of(ctx).Usuario {
		return errs.New(errs.NotFound, "No existe el usuario %s.", idUsuario)
	}
	return nil
}
