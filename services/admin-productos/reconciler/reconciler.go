// Package reconciler looks for units that are reserved for a purchase which ended without them, and puts them back.
// The saga releases what it reserved, so there are none, unless somebody's disk was lost or a hand was in the books.
package reconciler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/logging"
)

// Store has the reservations.
type Store interface {
	ListReservas(ctx context.Context, age time.Duration, after string, limit int) ([]string, error)
	Release(ctx context.Context, idCompra string, estado contracts.Estado) (bool, error)
}

// Compras tells where a purchase stands. Error: NotFound, which is said by its owner and by nobody in between.
type Compras interface {
	Estado(ctx context.Context, idCompra string) (contracts.Estado, error)
}

// Reconciler goes through the reservations, so many at a time, and begins again at their end.
type Reconciler struct {
	store   Store
	compras Compras
	age     time.Duration
	last    string
}

// New looks at what a has reserved for longer than age.
func New(a Store, c Compras, age time.Duration) *Reconciler {
	return &Reconciler{store: a, compras: c, age: age}
}

const perRound = 50

// withoutReserva are the states in which a purchase has nothing reserved any more.
var withoutReserva = []contracts.Estado{contracts.EstadoRechazada, contracts.EstadoCancelada}

// Inspect looks at the next few. A service that does not answer is asked another time: silence is no reason to release anything.
func (r *Reconciler) Inspect(ctx context.Context) error {
	ids, err := r.store.ListReservas(ctx, r.age, r.last, perRound)
	if err != nil {
		return err
	}
	var failures []error
	for _, id := range ids {
		estado, err := r.compras.Estado(ctx, id)
		switch {
		case errs.Of(err) == errs.NotFound:
			estado = ""
		case err != nil:
			return err
		case !slices.Contains(withoutReserva, estado):
			r.last = id
			continue
		}
		r.last = id
		released, err := r.store.Release(ctx, id, estado)
		if err != nil { // a row of it is held by somebody: it comes again, and the others now
			failures = append(failures, fmt.Errorf("compra %s: %w", id, err))
			continue
		}
		slog.WarnContext(logging.WithCompra(ctx, id), "reconciliación", "hallazgo", "reservada", "estado", estado, "liberada", released)
	}
	if len(ids) < perRound {
		r.last = ""
	}
	return errors.Join(failures...)
}
