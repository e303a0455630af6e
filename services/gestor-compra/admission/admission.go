// Package admission starts the workflows of accepted purchases, urgent ones first, so many at a time
// (docs/adr/accept-then-start-by-priority.md).
package admission

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"entregas/internal/failpoint"
	"entregas/internal/logging"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// Settings of the admission.
type Settings struct {
	Places compras.Places
	Round  time.Duration // how often to look without being told
	Saga   compra.Settings
}

// Store gives out the places.
type Store interface {
	TakeTurns(ctx context.Context, p compras.Places) ([]compras.Turn, error)
	TakeTramites(ctx context.Context, lease time.Duration, limit int) ([]compras.Tramite, error)
	AwaitingWakeup(ctx context.Context, age time.Duration, limit int) ([]string, error)
}

// Engine is the workflow engine.
type Engine interface {
	Start(ctx context.Context, name, id string, in compra.Input) error
	Wake(ctx context.Context, id string) error
}

// Admission is the dispatcher of one replica.
type Admission struct {
	store    Store
	engine   Engine
	settings Settings
	wakeup   chan struct{}
}

// New starts the workflows of what a gives out on m.
func New(a Store, m Engine, settings Settings) *Admission {
	return &Admission{store: a, engine: m, settings: settings, wakeup: make(chan struct{}, 1)}
}

// Notify tells that there may be something to start: a purchase came, or a place became free. It does not wait.
func (a *Admission) Notify() {
	select {
	case a.wakeup <- struct{}{}:
	default: // it will look anyway
	}
}

// Run starts workflows until ctx ends.
func (a *Admission) Run(ctx context.Context) {
	ticker := time.NewTicker(a.settings.Round)
	defer ticker.Stop()
	for {
		if err := a.admit(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "admisión", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-a.wakeup:
		case <-ticker.C:
		}
	}
}

const (
	atOnce       = 8  // schedulings at once
	tramiteBatch = 64 // follow-ups taken at once
)

func (a *Admission) admit(ctx context.Context) error {
	turns, turnsErr := a.store.TakeTurns(ctx, a.settings.Places)
	tramites, tramitesErr := a.store.TakeTramites(ctx, a.settings.Places.Lease, tramiteBatch)
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, t := range turns {
		group.Go(func() error {
			return a.start(ctx, compra.CompraName, t.ID, compra.Input{Compra: t})
		})
	}
	for _, t := range tramites {
		group.Go(func() error {
			name, id := compra.WorkflowOf(t.ID, t.Tipo)
			return a.start(ctx, name, id, compra.Input{Compra: t.SolicitudCompra, Motivo: t.Motivo})
		})
	}
	return errors.Join(turnsErr, tramitesErr, group.Wait())
}

// start starts a workflow. When it fails the lease runs out, and what was to be started comes again.
func (a *Admission) start(ctx context.Context, name, id string, e compra.Input) error {
	ctx = logging.WithCompra(ctx, e.Compra.ID)
	e.Settings, e.Version = a.settings.Saga, compra.Version
	failpoint.Point(failpoint.TurnGiven, name)
	return a.engine.Start(ctx, name, id, e)
}

// Wake wakes the workflow of a purchase about which something was decided. It does not end with the request that
// decided: the client may have hung up by then. When it fails the sweep wakes the workflow.
func (a *Admission) Wake(ctx context.Context, idCompra string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wakeTimeout)
	defer cancel()
	if err := a.engine.Wake(ctx, idCompra); err != nil {
		slog.WarnContext(logging.WithCompra(ctx, idCompra), "despertar", "error", err)
	}
}

// Sweep wakes again those whose decision has not reached them (docs/adr/who-owns-a-fact-decides.md).
func (a *Admission) Sweep(ctx context.Context) error {
	ids, err := a.store.AwaitingWakeup(ctx, sweepAge, tramiteBatch)
	if err != nil {
		return err
	}
	for _, id := range ids {
		a.Wake(ctx, id)
	}
	return nil
}

// wakeTimeout bounds one try to wake a workflow.
const wakeTimeout = 5 * time.Second

// SweepEvery is how often to look for decisions that have not reached their workflow.
const SweepEvery = 30 * time.Second

// sweepAge is the age from which a decision that has not reached its workflow is looked at. A younger one is still on its way.
const sweepAge = 30 * time.Second
