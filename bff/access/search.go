package access

import (
	"context"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/bff/memory"
	"entregas/contracts"
	"entregas/internal/errs"
)

// Buscar returns a page of the purchases of all customers that q asks for, for operators. With count the page says how many q asks for.
func (g Gate) Buscar(ctx context.Context, q contracts.ComprasQuery, limit int, count bool) (compras.Page, error) {
	f, err := g.search(ctx, q)
	if err != nil {
		return compras.Page{}, err
	}
	if limit < 1 || limit > compras.MaxPage {
		return compras.Page{}, contracts.BadField("limite", compras.LimitForm)
	}
	return g.Operation.Buscar(ctx, f, limit, q.Despues, count)
}

// search refuses a caller that is no operator, and returns the filter of q. Errors: Invalid with every wrong field.
func (g Gate) search(ctx context.Context, q contracts.ComprasQuery) (contracts.ComprasFilter, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.ComprasFilter{}, err
	}
	f, _, err := q.Parse()
	return f, err
}

// EachCompra calls do with each purchase of all customers that q asks for, in the order that q asks for, for operators. It reads them page by
// page, and holds the memory of one page. It ends at the first error of do, and returns that error. Errors: Busy while MaxExports
// others run.
func (g Gate) EachCompra(ctx context.Context, q contracts.ComprasQuery, do func(contracts.Compra) error) error {
	f, err := g.search(ctx, q)
	if err != nil {
		return err
	}
	select {
	case exports <- struct{}{}:
		defer func() { <-exports }()
	default:
		return errs.New(errs.Busy, "Ya se preparan %d archivos. Intente de nuevo en unos segundos.", MaxExports)
	}
	for after := q.Despues; ; {
		page, err := g.Operation.Buscar(ctx, f, exportPage, after, false)
		if err != nil {
			return err
		}
		for _, c := range page.Compras {
			if err := do(c); err != nil {
				return err
			}
		}
		if after = page.Siguiente; after == "" {
			return nil
		}
		memory.From(ctx).Release() // of this page
	}
}

// exportPage is the size of the pages of EachCompra: the largest that gestor-compra gives.
const exportPage = 200

// MaxExports is how many calls of EachCompra may run at once in this process. One reads as fast as gestor-compra answers.
const MaxExports = 2

var exports = make(chan struct{}, MaxExports)
