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
	var v contracts.Validator
	checkLimit(&v, limit)
	if err := v.Error(); err != nil {
		return compras.Page{}, err
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
	end, err := beginExport()
	if err != nil {
		return err
	}
	defer end()
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

// exportPage is the size of the pages of which a file is made: the largest that gestor-compra gives.
const exportPage = 200

// MaxExports is how many files may be made at once in this process, by EachCompra and EachActo. One reads as fast as the services answer.
const MaxExports = 2

var exports = make(chan struct{}, MaxExports)

// beginExport takes the place of one file, and returns a function that gives it back. Error: Busy where there is no place.
func beginExport() (end func(), err error) {
	select {
	case exports <- struct{}{}:
		return func() { <-exports }, nil
	default:
		return nil, errs.New(errs.Busy, "Ya se preparan %d archivos. Intente de nuevo en unos segundos.", MaxExports)
	}
}
