package access

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
)

// Productos returns the products with the words of search in their names, or all for "". It is for any caller.
func (g Gate) Productos(ctx context.Context, search string) ([]contracts.Producto, error) {
	if search = strings.TrimSpace(search); search != "" {
		var v contracts.Validator
		v.FreeText("buscar", search, contracts.MaxIdentifier)
		if err := v.Error(); err != nil {
			return nil, err
		}
	}
	return g.Stock.List(ctx, search)
}

// Producto returns one product. It is for any caller.
func (g Gate) Producto(ctx context.Context, id string) (contracts.Producto, error) {
	var v contracts.Validator
	v.Identifier("id", id)
	if err := v.Error(); err != nil {
		return contracts.Producto{}, err
	}
	return g.Stock.Load(ctx, id)
}

// Tiendas returns the shops where a purchase can be picked up. It is for any caller.
func (Gate) Tiendas(context.Context) ([]contracts.Tienda, error) { return contracts.Tiendas, nil }

// Reponer adds cantidad to the stock of a product, for operators. It does so once for each key; "" is a new key. A key belongs to
// its subject and to one product, so two operators may send the same key.
func (g Gate) Reponer(ctx context.Context, id string, cantidad int, key string) (contracts.Producto, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Producto{}, err
	}
	var v contracts.Validator
	v.Identifier("id", id)
	v.Cantidad("cantidad", cantidad)
	if err := v.Error(); err != nil {
		return contracts.Producto{}, err
	}
	key, repeat := ownKey(ctx, id, key)
	return compras.Settle(ctx, "/api/productos/"+url.PathEscape(id), repeat, func(ctx context.Context, _ bool) (contracts.Producto, error) {
		return g.Stock.Reponer(ctx, id, cantidad, key)
	})
}

// ownKey returns the key under which admin-productos does a request of the caller about a product once; "" is a new key. repeat says in
// Spanish how to repeat a request that has no key of its own.
func ownKey(ctx context.Context, id, key string) (own, repeat string) {
	if key == "" {
		key, repeat = uuid.NewString(), "repítalo solo si no se hizo, y use una Idempotency-Key."
	}
	return compras.Fingerprint(identity.Of(ctx).Usuario, id, key), repeat // a hash: admin-productos bounds the length of a key
}

// CambiarPrecio changes the price of a product from now on, for operators. Its keys are as those of Reponer. A price without a currency is
// in contracts.MonedaUsual.
func (g Gate) CambiarPrecio(ctx context.Context, id string, p contracts.CambioDePrecio, key string) (contracts.Producto, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Producto{}, err
	}
	p.Moneda = cmp.Or(p.Moneda, contracts.MonedaUsual)
	var v contracts.Validator
	v.Identifier("id", id)
	v.CambioDePrecio(p)
	if err := v.Error(); err != nil {
		return contracts.Producto{}, err
	}
	key, repeat := ownKey(ctx, id, key)
	return compras.Settle(ctx, "/api/productos/"+url.PathEscape(id), repeat, func(ctx context.Context, _ bool) (contracts.Producto, error) {
		return g.Prices.CambiarPrecio(ctx, id, p, key)
	})
}

// Precios returns a page of the prices that a product has had, newest first, for operators.
func (g Gate) Precios(ctx context.Context, id string, limit int, after string) (contracts.PaginaDePrecios, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.PaginaDePrecios{}, err
	}
	var v contracts.Validator
	v.Identifier("id", id)
	checkLimit(&v, limit)
	v.FreeText("despues", after, contracts.MaxIdentifier)
	if err := v.Error(); err != nil {
		return contracts.PaginaDePrecios{}, err
	}
	return g.Prices.Precios(ctx, id, limit, after)
}

// Orden returns an order, for operators.
func (g Gate) Orden(ctx context.Context, id string) (contracts.Orden, error) {
	id, err := g.operadorByID(ctx, id)
	if err != nil {
		return contracts.Orden{}, err
	}
	return g.Warehouse.Load(ctx, id)
}

// Despachar dispatches an order, for operators. The answer has no address: it may be kept under an Idempotency-Key.
func (g Gate) Despachar(ctx context.Context, id string) (contracts.Orden, error) {
	id, err := g.operadorByID(ctx, id)
	if err != nil {
		return contracts.Orden{}, err
	}
	return compras.Settle(ctx, "/api/ordenes/"+id, "", func(ctx context.Context, _ bool) (contracts.Orden, error) {
		o, err := g.Warehouse.Despachar(ctx, id)
		o.Direccion = nil
		return o, err
	})
}
