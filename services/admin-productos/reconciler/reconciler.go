// Package reconciler finds units that are reserved for a purchase which ended without them, and puts them back on the shelf.
// The saga releases its reservations, so there are such units only after the loss of a disk or a manual change of a database.
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
	"entregas/internal/telemetry"
)

// Store reads and releases the reservations.
type Store interface {
	ListReservas(ctx context.Context, age time.Duration, after string, limit int) ([]string, error)
	Release(ctx context.Context, idCompra string, estado contracts.Estado) (bool, error)
}

// Compras reads the state of a purchase. It returns NotFound only when gestor-compra itself says that there is no such
// purchase.
type Compras interface {
	Estado(ctx context.Context, idCompra string) (contracts.Estado, error)
}

// Reconciler checks the reservations in rounds, perRound at a time, and starts again after the last one.
type Reconciler struct {
	store   Store
	compras Compras
	age     time.Duration
	last    string // the last purchase of the previous round
}

// New returns a Reconciler that checks the reservations of store that are older than age.
func New(store Store, compras Compras, age time.Duration) *Reconciler {
	return &Reconciler{store: store, compras: compras, age: age}
}

// perRound is how many purchases one round checks.
const perRound = 50

// withoutReserva are the states in which a purchase has no reservation.
var withoutReserva = []contracts.Estado{contracts.EstadoRechazada, contracts.EstadoCancelada}

// Inspect does one round. It releases nothing when gestor-compra does not answer; the next round asks again.
func (r *Reconciler) Inspect(ctx context.Context) (err error) {
	found := 0
	defer func() { telemetry.Reconciled(ctx, "orphaned-reservations", found, err) }()
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
		if err != nil { // the row of a product may be locked: the next pass tries again
			failures = append(failures, fmt.Errorf("compra %s: %w", id, err))
			continue
		}
		found++
		slog.WarnContext(logging.WithCompra(ctx, id), "orphaned reservation", "estado", estado, "released", released)
	}
	if len(ids) < perRound {
		r.last = ""
	}
	return errors.Join(failures...)
}
