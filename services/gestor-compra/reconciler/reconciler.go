// Package reconciler replaces the workflows that stand still, whatever made them: an engine that lost a reminder, an outcome
// or its whole store. docs/adr/stalled-sagas.md says how and why.
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
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// Settings of the search.
type Settings struct {
	Quiet time.Duration // a workflow without a sign of life for longer stands still
	Every time.Duration // how often to look without being told
	Limit int           // replacements of a purchase's workflow after which it is FALLIDA
	Saga  compra.Settings
}

// Check refuses settings that would replace workflows that go on: a living saga shows no sign of life for as long as it sleeps
// and then until its first beat, and one beat more is left to a slow machine.
func (s Settings) Check() error {
	if least := compra.LongestSleep + 2*compras.Beat; s.Quiet < least {
		return fmt.Errorf("STALLED_AFTER must be at least %s: a saga that goes on may be silent for nearly as long", least)
	}
	return nil
}

const (
	batch   = 50 // workflows looked at in one turn
	atATime = 8
)

// Store tells what stands still, and keeps what was done about it.
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

// Tell makes the reconciler look soon. It does not wait.
func (r *Reconciler) Tell() {
	select {
	case r.told <- struct{}{}:
	default: // it will look anyway
	}
}

// Run looks until ctx ends.
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

// Once looks once. What it could not replace it finds again.
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
	_ = group.Wait() // each failure is in its place
	return errors.Join(failures...)
}

// replace starts the workflow of s again, unless its instance is too young to stand still. An engine that does not answer, or does not
// end the old instance, has replaced nothing, and the claim is given back.
func (r *Reconciler) replace(ctx context.Context, s compras.Stalled) error {
	name, id := compra.WorkflowOf(s.ID, s.Tramite)
	age, active, err := r.engine.Age(ctx, id)
	if err != nil {
		return err
	}
	// An age below zero is a clock that jumped.
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
		slog.ErrorContext(ctx, "a workflow does not go on however often it is replaced", "workflow", id, "estado", s.Estado, "replacements", n)
		return nil
	}
	slog.WarnContext(ctx, "a stalled workflow was replaced", "workflow", id, "estado", s.Estado, "since", s.Since, "replacements", n)
	return r.store.RecordFinding(ctx, s.ID, compras.Finding{What: compras.WorkflowStalled, Estado: s.Estado, Done: compras.WorkflowReplaced})
}

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
