// Package reconciler replaces stalled workflows. A workflow stalls when the engine loses a reminder, a result or its whole
// store. docs/adr/stalled-sagas.md says how and why.
package reconciler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"entregas/contracts"
	"entregas/internal/logging"
	"entregas/internal/telemetry"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// Settings are the settings of a Reconciler.
type Settings struct {
	Quiet time.Duration // a workflow without a sign of life for longer is stalled
	Every time.Duration // how often to look without a call of Tell
	Limit int           // replacements of a workflow after which its purchase is FALLIDA
	Saga  compra.Settings
}

// Check returns an error for settings that would replace workflows that are alive. A saga shows no sign of life while it
// sleeps and until the first beat after that. The second beat in the limit is a margin for a slow machine.
func (s Settings) Check() error {
	if least := compra.LongestSleep + 2*compras.Beat; s.Quiet < least {
		return fmt.Errorf("STALLED_AFTER must be at least %s: a saga that goes on may be silent for nearly as long", least)
	}
	return nil
}

const (
	batch   = 50 // workflows that one look handles
	atATime = 8  // workflows that are replaced at the same time
)

// Store finds the stalled workflows and records their replacements.
type Store interface {
	Stalled(ctx context.Context, quiet, approval time.Duration, limit int) ([]compras.Stalled, error)
	ClaimReplacement(ctx context.Context, idCompra string, quiet time.Duration) (n int, err error)
	ReleaseReplacement(ctx context.Context, idCompra string, asked bool) error
	GiveUp(ctx context.Context, idCompra string) (bool, error)
	RecordFinding(ctx context.Context, idCompra string, f compras.Finding) error
}

// Engine is the workflow engine.
type Engine interface {
	Age(ctx context.Context, id string) (age time.Duration, active bool, err error)
	Replace(ctx context.Context, name, id string, in compra.Input) error
	Remove(ctx context.Context, id string) error
}

// Reconciler replaces the stalled workflows of one store on one engine.
type Reconciler struct {
	store    Store
	engine   Engine
	settings Settings
	told     chan struct{}
}

// New returns a Reconciler that replaces on engine the workflows that store reports as stalled.
func New(store Store, engine Engine, settings Settings) *Reconciler {
	return &Reconciler{store, engine, settings, make(chan struct{}, 1)}
}

// Tell makes the reconciler look at once. It does not wait.
func (r *Reconciler) Tell() {
	select {
	case r.told <- struct{}{}:
	default: // a look is due already
	}
}

// Run replaces stalled workflows until ctx ends, at each call of Tell and at each interval.
func (r *Reconciler) Run(ctx context.Context) {
	clock := time.NewTicker(r.settings.Every)
	defer clock.Stop()
	for {
		if err := r.Once(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "some stalled workflows were not replaced", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-r.told:
		case <-clock.C:
		}
	}
}

// Once replaces the workflows that are stalled now. The next call finds again those that it could not replace.
func (r *Reconciler) Once(ctx context.Context) error {
	found, err := r.store.Stalled(ctx, r.settings.Quiet, r.settings.Saga.AprobacionDeadline, batch)
	if err != nil {
		return err
	}
	failures := make([]error, len(found))
	var group errgroup.Group
	group.SetLimit(atATime)
	for i, s := range found {
		group.Go(func() error {
			if err := r.replace(logging.WithCompra(ctx, s.ID), s); err != nil {
				failures[i] = fmt.Errorf("compra %s: %w", s.ID, err)
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in failures
	err = errors.Join(failures...)
	telemetry.Reconciled(ctx, "stalled-sagas", len(found), err)
	return err
}

// replace replaces the workflow of s, unless its instance is too young to be stalled. When the engine does not answer or does
// not end the old instance, replace releases its claim and returns the error.
func (r *Reconciler) replace(ctx context.Context, s compras.Stalled) error {
	name, id := compra.WorkflowOf(s.ID, s.Tramite)
	age, active, err := r.engine.Age(ctx, id)
	if err != nil {
		return err
	}
	// An age below zero means that a clock jumped.
	if active && age >= 0 && age < r.settings.Quiet && !s.Asked || !active && s.Estado == contracts.EstadoRecibida {
		return nil
	}
	n, err := r.store.ClaimReplacement(ctx, s.ID, r.settings.Quiet)
	if err != nil || n == 0 {
		return err
	}
	if n > r.settings.Limit && (s.Tramite == "" || s.Estado == contracts.EstadoCompensando) {
		err = r.giveUp(ctx, s, id)
	} else {
		err = r.engine.Replace(ctx, name, id, compra.Resume(s.Progress, r.settings.Saga, uuid.NewString(), time.Now()))
	}
	if err != nil {
		return errors.Join(err, r.store.ReleaseReplacement(context.WithoutCancel(ctx), s.ID, s.Asked))
	}
	if n > r.settings.Limit {
		slog.ErrorContext(ctx, "a workflow stalls again after each replacement", "workflow", id, "estado", s.Estado, "replacements", n)
		return nil
	}
	slog.WarnContext(ctx, "a stalled workflow was replaced", "workflow", id, "estado", s.Estado, "since", s.Since, "replacements", n)
	return r.store.RecordFinding(ctx, s.ID, compras.Finding{What: compras.WorkflowStalled, Estado: s.Estado, Done: compras.WorkflowReplaced})
}

// giveUp removes the workflow of s and makes its purchase FALLIDA.
func (r *Reconciler) giveUp(ctx context.Context, s compras.Stalled, id string) error {
	if err := r.engine.Remove(ctx, id); err != nil {
		return err
	}
	moved, err := r.store.GiveUp(ctx, s.ID)
	if err != nil || !moved {
		return err
	}
	return r.store.RecordFinding(ctx, s.ID, compras.Finding{What: compras.WorkflowGivenUp, Estado: s.Estado, Done: string(contracts.EstadoFallida)})
}
