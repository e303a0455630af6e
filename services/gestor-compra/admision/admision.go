// Package admision starts the workflows of accepted purchases, urgent ones first, so many at a time (decision 5).
package admision

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/dapr/durabletask-go/workflow"
	"golang.org/x/sync/errgroup"

	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/registro"
	"entregas/workflows/compra"
)

// Ajustes of the admission.
type Ajustes struct {
	Cupo     int           // purchases in flight at most, over all replicas
	Ventaja  time.Duration // how much older home delivery counts than it is
	Arriendo time.Duration // within which a purchase that was given out must have started
	Vuelta   time.Duration // how often to look without being told
	Saga     compra.Ajustes
}

// Almacen gives out the places.
type Almacen interface {
	TomarTurnos(ctx context.Context, cupo int, ventaja, arriendo time.Duration) ([]compras.Turno, error)
}

// Motor is the workflow engine.
type Motor interface {
	ScheduleWorkflow(ctx context.Context, nombre string, opts ...workflow.NewWorkflowOptions) (string, error)
}

// Admision is the dispatcher of one replica.
type Admision struct {
	almacen Almacen
	motor   Motor
	ajustes Ajustes
	aviso   chan struct{}
}

// Nueva starts the workflows of what a gives out on m.
func Nueva(a Almacen, m Motor, ajustes Ajustes) *Admision {
	return &Admision{almacen: a, motor: m, ajustes: ajustes, aviso: make(chan struct{}, 1)}
}

// Avisar tells that there may be something to start: a purchase came, or a place became free. It does not wait.
func (a *Admision) Avisar() {
	select {
	case a.aviso <- struct{}{}:
	default: // it will look anyway
	}
}

// Correr starts workflows until ctx ends.
func (a *Admision) Correr(ctx context.Context) {
	reloj := time.NewTicker(a.ajustes.Vuelta)
	defer reloj.Stop()
	for {
		if err := a.admitir(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "admisión", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-a.aviso:
		case <-reloj.C:
		}
	}
}

const aLaVez = 8 // schedulings at once

func (a *Admision) admitir(ctx context.Context) error {
	turnos, err := a.almacen.TomarTurnos(ctx, a.ajustes.Cupo, a.ajustes.Ventaja, a.ajustes.Arriendo)
	if err != nil {
		return err
	}
	var grupo errgroup.Group
	grupo.SetLimit(aLaVez)
	for _, t := range turnos {
		grupo.Go(func() error { return a.iniciar(registro.ConCompra(ctx, t.ID), t) })
	}
	return grupo.Wait()
}

// iniciar schedules the workflow under the purchase's id. That it is there already is as good: a lease ran out while the
// engine was slow. When it fails the lease runs out, and the purchase comes again.
func (a *Admision) iniciar(ctx context.Context, t compras.Turno) error {
	_, err := a.motor.ScheduleWorkflow(ctx, compra.NombreCompra, workflow.WithInstanceID(t.ID),
		workflow.WithInput(compra.Entrada{Compra: t, Ajustes: a.ajustes.Saga}))
	if err != nil && !strings.Contains(err.Error(), "already exists") { // the engine's error has no type
		return fmt.Errorf("iniciar la compra %s: %w", t.ID, err)
	}
	return nil
}
