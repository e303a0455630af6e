// Package stock looks for the products for which customers wait, and marks the wishes that are fulfilled.
package stock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"entregas/contracts"
	"entregas/internal/errs"
)

// Store keeps the wishes.
type Store interface {
	Wanted(ctx context.Context, after string, limit int) ([]string, error)
	// Fulfil marks the wishes that p fulfils and, with write, adds mails about it. It returns how many these are.
	Fulfil(ctx context.Context, p contracts.Producto, write bool) (wishes, mails int, err error)
}

// Productos reads a product with its stock. Error: NotFound only where admin-productos itself says that there is no such product.
type Productos interface {
	Producto(ctx context.Context, id string) (contracts.Producto, error)
}

// Watch looks at the wished products in rounds, perRound at a time, and starts again after the last one. A round without wishes calls nobody.
type Watch struct {
	store     Store
	productos Productos
	mails     func()
	last      string // the last product of the previous round
}

// New returns a Watch on the wishes of store. It calls mails after it added mails; a nil mails means that nobody sends any, and none is added.
func New(store Store, productos Productos, mails func()) *Watch {
	return &Watch{store: store, productos: productos, mails: mails}
}

// perRound is at how many products one round looks.
const perRound = 50

// Look does one round. It stops at a product that admin-productos does not answer for; the next round asks for it again.
func (w *Watch) Look(ctx context.Context) error {
	ids, err := w.store.Wanted(ctx, w.last, perRound)
	if err != nil {
		return err
	}
	var failures []error
	for _, id := range ids {
		p, err := w.productos.Producto(ctx, id)
		if err != nil && errs.Of(err) != errs.NotFound {
			return err
		}
		w.last = id
		if err != nil || p.Cantidad == 0 {
			continue
		}
		n, mails, err := w.store.Fulfil(ctx, p, w.mails != nil)
		if err == nil && mails > 0 {
			w.mails()
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("producto %s: %w", id, err))
		} else if n > 0 {
			slog.InfoContext(ctx, "product is back", "id_producto", id, "cantidad", p.Cantidad, "deseos", n)
		}
	}
	if len(ids) < perRound {
		w.last = ""
	}
	return errors.Join(failures...)
}
