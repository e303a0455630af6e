// Package admission starts the workflows of accepted purchases. A limited number of them is in flight, and urgent ones start
// first (docs/adr/accept-then-start-by-priority.md).
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

// Settings are the settings of an Admission.
type Settings struct {
	Places compras.Places
	Round  time.Duration // how often to look without a call of Notify
	Saga   compra.Settings
}

// Store gives out the places, and knows the decisions that have not reached their workflow.
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

// New returns an Admission that starts on engine the workflows of the purchases that store gives out.
func New(store Store, engine Engine, settings Settings) *Admission {
	return &Admission{store: store, engine: engine, settings: settings, wakeup: make(chan struct{}, 1)}
}

// Notify makes the admission look at once, because a purchase was accepted or a place became free. It does not wait.
func (a *Admission) Notify() {
	select {
	case a.wakeup <- struct{}{}:
	default: // a look is due already
	}
}

// Run starts workflows until ctx ends, at each call of Notify and at each round.
func (a *Admission) Run(ctx context.Context) {
	ticker := time.NewTicker(a.settings.Round)
	defer ticker.Stop()
	for {
		if err := a.admit(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "admission failed", "error", err)
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
	atOnce       = 8  // workflows that are scheduled at the same time
	tramiteBatch = 64 // tramites or ids that one query returns
)

// admit starts the workflows of the purchases and tramites whose turn it is.
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

// start starts a workflow. After a failure the lease of its purchase expires, and the store gives the purchase out again.
func (a *Admission) start(ctx context.Context, name, id string, in compra.Input) error {
	ctx = logging.WithCompra(ctx, in.Compra.ID)
	in.Settings, in.Version = a.settings.Saga, compra.Version
	failpoint.Point(failpoint.TurnGiven, name)
	return a.engine.Start(ctx, name, id, in)
}

// Wake wakes the workflow of a purchase about which something was decided. It goes on when ctx ends, since the client that
// decided may close its connection. After a failure Sweep wakes the workflow.
func (a *Admission) Wake(ctx context.Context, idCompra string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wakeTimeout)
	defer cancel()
	if err := a.engine.Wake(ctx, idCompra); err != nil {
		slog.WarnContext(logging.WithCompra(ctx, idCompra), "a workflow was not woken", "error", err)
	}
}

// Sweep wakes the workflows that a decision has not reached within sweepAge (docs/adr/who-owns-a-fact-decides.md).
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

// sweepAge is the age from which the sweep looks at a decision that has not reached its workflow.
const sweepAge = 30 * time.Second
