package access

import (
	"context"
	"time"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
)

// Deseos is the service avisos, which owns the wishes of customers to be told that a product is back.
type Deseos interface {
	Deseos(ctx context.Context, idUsuario string) ([]contracts.Deseo, error)
	AddDeseo(ctx context.Context, idUsuario, idProducto string, cantidad int) (contracts.Deseo, error)
	DeleteDeseo(ctx context.Context, idUsuario, idProducto string, avisadoEn *time.Time) error
	PersonalData
}

const deseosPath = "/api/avisos/existencias"

// Deseos returns the caller's own wishes.
func (g Gate) Deseos(ctx context.Context) ([]contracts.Deseo, error) {
	if err := identity.Require(ctx); err != nil {
		return nil, err
	}
	return g.Wishes.Deseos(ctx, identity.Of(ctx).Usuario)
}

// AddDeseo stores the caller's own wish to be told once there are cantidad units of a product. Error: NotFound where there is no such product.
func (g Gate) AddDeseo(ctx context.Context, idProducto string, cantidad int) (contracts.Deseo, error) {
	if err := identity.Require(ctx); err != nil {
		return contracts.Deseo{}, err
	}
	var v contracts.Validator
	v.Identifier("id", idProducto)
	v.Cantidad("cantidad", cantidad)
	if err := v.Error(); err != nil {
		return contracts.Deseo{}, err
	}
	if _, err := g.Stock.Load(ctx, idProducto); err != nil {
		return contracts.Deseo{}, err
	}
	return compras.Settle(ctx, deseosPath, "", func(ctx context.Context, _ bool) (contracts.Deseo, error) {
		return g.Wishes.AddDeseo(ctx, identity.Of(ctx).Usuario, idProducto, cantidad)
	})
}

// DeleteDeseo removes the caller's own wish for a product, if there is one: with avisadoEn only the one that was fulfilled then.
func (g Gate) DeleteDeseo(ctx context.Context, idProducto string, avisadoEn *time.Time) error {
	if err := identity.Require(ctx); err != nil {
		return err
	}
	var v contracts.Validator
	v.Identifier("id", idProducto)
	if err := v.Error(); err != nil {
		return err
	}
	_, err := compras.Settle(ctx, deseosPath, "", func(ctx context.Context, _ bool) (struct{}, error) {
		return struct{}{}, g.Wishes.DeleteDeseo(ctx, identity.Of(ctx).Usuario, idProducto, avisadoEn)
	})
	return err
}
