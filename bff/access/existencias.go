package access

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
)

// Existencias has the operations of admin-productos on the books of the stock. They are for operators.
type Existencias interface {
	Balance(ctx context.Context, f contracts.BalanceFilter, after string) ([]contracts.LineaDeBalance, error)
	Movimientos(ctx context.Context, id, tipo string, limit int, after string) (contracts.PaginaDeMovimientos, error)
	// Corregir and Importar change the stock once for each key.
	Corregir(ctx context.Context, id string, c contracts.Correccion, key string) (contracts.Producto, error)
	CambiarUmbral(ctx context.Context, id string, umbral int) (contracts.LineaDeBalance, error)
	Importar(ctx context.Context, s contracts.SolicitudDeImportacion, key string) (contracts.Importacion, error)
}

// Balance returns the books of the products that f selects, a line for each product, after the product after; "" is the beginning. For
// operators.
func (g Gate) Balance(ctx context.Context, f contracts.BalanceFilter, after string) ([]contracts.LineaDeBalance, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return nil, err
	}
	f.Buscar = strings.TrimSpace(f.Buscar)
	var v contracts.Validator
	v.FreeText("buscar", f.Buscar, contracts.MaxIdentifier)
	if after != "" {
		v.Identifier("despues", after)
	}
	if err := v.Error(); err != nil {
		return nil, err
	}
	return g.Existencias.Balance(ctx, f, after)
}

// Movimientos returns a page of the ledger of a product, newest first, for operators. tipo selects one kind; "" is all.
func (g Gate) Movimientos(ctx context.Context, id, tipo string, limit int, after string) (contracts.PaginaDeMovimientos, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.PaginaDeMovimientos{}, err
	}
	var v contracts.Validator
	v.Identifier("id", id)
	if tipo != "" && !slices.Contains(contracts.TiposDeMovimiento, tipo) {
		v.Fail("tipo", fmt.Sprintf("debe ser uno de %v", contracts.TiposDeMovimiento))
	}
	checkLimit(&v, limit)
	v.NumeroCursor("despues", after)
	if err := v.Error(); err != nil {
		return contracts.PaginaDeMovimientos{}, err
	}
	return g.Existencias.Movimientos(ctx, id, tipo, limit, after)
}

// Corregir corrects the stock of a product with a reason, for operators. Its keys are as those of Reponer.
func (g Gate) Corregir(ctx context.Context, id string, c contracts.Correccion, key string) (contracts.Producto, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Producto{}, err
	}
	var v contracts.Validator
	v.Identifier("id", id)
	v.Correccion(c)
	if err := v.Error(); err != nil {
		return contracts.Producto{}, err
	}
	key, repeat := ownKey(ctx, id, key)
	return compras.Settle(ctx, "/api/productos/"+url.PathEscape(id), repeat, func(ctx context.Context, _ bool) (contracts.Producto, error) {
		return g.Existencias.Corregir(ctx, id, c, key)
	})
}

// CambiarUmbral changes the stock from which a product is low, for operators. umbral is nil where the caller does not say it.
func (g Gate) CambiarUmbral(ctx context.Context, id string, umbral *int) (contracts.LineaDeBalance, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.LineaDeBalance{}, err
	}
	var v contracts.Validator
	v.Identifier("id", id)
	v.Umbral("umbral", umbral)
	if err := v.Error(); err != nil {
		return contracts.LineaDeBalance{}, err
	}
	return compras.Settle(ctx, "/api/productos/"+url.PathEscape(id)+"/movimientos", "", func(ctx context.Context, _ bool) (contracts.LineaDeBalance, error) {
		return g.Existencias.CambiarUmbral(ctx, id, *umbral)
	})
}

// Importar changes the stock of many products by a file, or tries it, for operators. A key belongs to its subject; "" is a new key.
func (g Gate) Importar(ctx context.Context, s contracts.SolicitudDeImportacion, key string) (contracts.Importacion, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Importacion{}, err
	}
	if strings.TrimSpace(s.CSV) == "" {
		return contracts.Importacion{}, contracts.BadField("csv", "falta")
	}
	key, repeat := ownKey(ctx, "importacion", key)
	return compras.Settle(ctx, "/api/operacion/balance", repeat, func(ctx context.Context, _ bool) (contracts.Importacion, error) {
		return g.Existencias.Importar(ctx, s, key)
	})
}
