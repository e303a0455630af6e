package access

import (
	"context"
	"errors"
	"slices"
	"sync"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// OrderStateForm says in Spanish which states of an order a request may name.
const OrderStateForm = "debe ser CREADA, CANCELADA o DESPACHADA"

// Ordenes returns a page of the orders that f selects, home delivery first, then the oldest, for operators. An empty f.Estado is
// CREADA.
func (g Gate) Ordenes(ctx context.Context, f contracts.OrdenesFilter, limit int, after string) (contracts.PaginaDeOrdenes, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.PaginaDeOrdenes{}, err
	}
	if f.Estado == "" {
		f.Estado = contracts.EstadoOrdenCreada
	}
	var v contracts.Validator
	if !slices.Contains(contracts.EstadosDeOrden, f.Estado) {
		v.Fail("estado", OrderStateForm)
	}
	checkLimit(&v, limit)
	if f.Zona != nil {
		v.FreeText("zona", *f.Zona, contracts.MaxCiudad)
	}
	if err := v.Error(); err != nil {
		return contracts.PaginaDeOrdenes{}, err
	}
	if _, err := contracts.ParseOrdenCursor(after); err != nil {
		return contracts.PaginaDeOrdenes{}, err
	}
	return g.Warehouse.List(ctx, f, limit, after)
}

// Zonas returns the zones of the orders that wait for their dispatch, the largest first, for operators.
func (g Gate) Zonas(ctx context.Context) ([]contracts.ZonaDeOrdenes, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return nil, err
	}
	return g.Warehouse.Zonas(ctx)
}

// PorAprobar returns a page of the purchases that await approval, the oldest first, for operators.
func (g Gate) PorAprobar(ctx context.Context, limit int, after string) (contracts.PaginaPorAprobar, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.PaginaPorAprobar{}, err
	}
	var v contracts.Validator
	checkLimit(&v, limit)
	if err := v.Error(); err != nil {
		return contracts.PaginaPorAprobar{}, err
	}
	if _, err := contracts.ParseCursor(after); err != nil {
		return contracts.PaginaPorAprobar{}, err
	}
	return g.Desk.PorAprobar(ctx, limit, after)
}

// DespacharMany dispatches orders, for operators. Each order has its own result, in the order of d.
func (g Gate) DespacharMany(ctx context.Context, d contracts.Despachos) ([]rest.Resultado, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return nil, err
	}
	for i, id := range d.IDs {
		d.IDs[i] = contracts.CanonicalID(id)
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	return each(ctx, d.IDs, func(ctx context.Context, id string) (rest.Resultado, error) {
		o, err := g.Despachar(ctx, id)
		return rest.Resultado{ID: id, Estado: string(o.Estado), Por: o.DespachadaPor}, err
	}, func(id string) string { return id }), nil
}

// AprobarMany approves or rejects purchases that await approval, for operators. Each purchase has its own result, in the order of d.
func (g Gate) AprobarMany(ctx context.Context, d contracts.Decisiones) ([]rest.Resultado, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return nil, err
	}
	for i, one := range d.Decisiones {
		d.Decisiones[i].ID = contracts.CanonicalID(one.ID)
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	return each(ctx, d.Decisiones, func(ctx context.Context, one contracts.Decision) (rest.Resultado, error) {
		a, err := g.Aprobar(ctx, one.ID, *one.Aprobada, one.Motivo)
		return rest.Resultado{ID: one.ID, Estado: string(a.Estado)}, err
	}, func(one contracts.Decision) string { return one.ID }), nil
}

// atOnce is how many calls of one request about many things run at the same time (docs/adr/many-at-once.md).
const atOnce = 8

// each calls do for each item, atOnce at the same time, and returns the results in the order of items. An error of do is the problem
// in the result of its item, and stops no other. Once ctx has ended, the remaining items are not done, and their results say so.
func each[T any](ctx context.Context, items []T, do func(ctx context.Context, item T) (rest.Resultado, error), idOf func(T) string) []rest.Resultado {
	results, next := make([]rest.Resultado, len(items)), make(chan int)
	var group sync.WaitGroup
	for range min(atOnce, len(items)) {
		group.Go(func() {
			for i := range next {
				r, err := rest.Resultado{}, notReached(ctx)
				if err == nil {
					r, err = do(ctx, items[i])
				}
				if err != nil {
					problem := rest.ProblemOf(err)
					r = rest.Resultado{ID: idOf(items[i]), Problema: &problem}
				}
				results[i] = r
			}
		})
	}
	for i := range items {
		next <- i
	}
	close(next)
	group.Wait()
	return results
}

// notReached returns the error of an item whose turn came after the end of ctx, or nil while ctx lasts.
func notReached(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return &errs.Error{Code: errs.Unavailable, Message: "No se alcanzó a pedir: se acabó el tiempo. Envíelo otra vez.", Cause: errors.Join(compras.ErrNotDone, ctx.Err())}
}
