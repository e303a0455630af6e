// Package admision starts the workflows of accepted purchases, urgent ones first, so many at a time
// (docs/adr/accept-then-start-by-priority.md).
package admision

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/fallas"
	"entregas/services/internal/registro"
	"entregas/workflows/compra"
)

// Ajustes of the admission.
type Ajustes struct {
	Places compras.Places
	Vuelta time.Duration // how often to look without being told
	Saga   compra.Ajustes
}

// Almacen gives out the places.
type Almacen interface {
	TomarTurnos(ctx context.Context, p compras.Places) ([]compras.Turno, error)
	TomarTramites(ctx context.Context, arriendo time.Duration, limite int) ([]compras.Tramite, error)
	PorDespertar(ctx context.Context, edad time.Duration, limite int) ([]string, error)
}

// Motor is the workflow engine.
type Motor interface {
	Start(ctx context.Context, name, id string, in compra.Entrada) error
	Wake(ctx context.Context, id string) error
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

const (
	aLaVez       = 8  // schedulings at once
	loteTramites = 64 // follow-ups taken at once
)

func (a *Admision) admitir(ctx context.Context) error {
	turnos, sinTurnos := a.almacen.TomarTurnos(ctx, a.ajustes.Places)
	tramites, sinTramites := a.almacen.TomarTramites(ctx, a.ajustes.Places.Lease, loteTramites)
	var grupo errgroup.Group
	grupo.SetLimit(aLaVez)
	for _, t := range turnos {
		grupo.Go(func() error {
			return a.iniciar(ctx, compra.NombreCompra, t.ID, compra.Entrada{Compra: t})
		})
	}
	for _, t := range tramites {
		grupo.Go(func() error {
			nombre, id := compra.WorkflowOf(t.ID, t.Tipo)
			return a.iniciar(ctx, nombre, id, compra.Entrada{Compra: t.SolicitudCompra, Motivo: t.Motivo})
		})
	}
	return errors.Join(sinTurnos, sinTramites, grupo.Wait())
}

// iniciar starts a workflow. When it fails the lease runs out, and what was to be started comes again.
func (a *Admision) iniciar(ctx context.Context, nombre, id string, e compra.Entrada) error {
	ctx = registro.ConCompra(ctx, e.Compra.ID)
	e.Ajustes, e.Version = a.ajustes.Saga, compra.Version
	fallas.Punto(fallas.TurnoDado, nombre)
	return a.motor.Start(ctx, nombre, id, e)
}

// Despertar wakes the workflow of a purchase about which something was decided. It does not end with the request that
// decided: the client may have hung up by then. When it fails the sweep wakes the workflow.
func (a *Admision) Despertar(ctx context.Context, idCompra string) {
	ctx, soltar := context.WithTimeout(context.WithoutCancel(ctx), wakeTimeout)
	defer soltar()
	if err := a.motor.Wake(ctx, idCompra); err != nil {
		slog.WarnContext(registro.ConCompra(ctx, idCompra), "despertar", "error", err)
	}
}

// Barrer wakes again those whose decision has not reached them (docs/adr/who-owns-a-fact-decides.md).
func (a *Admision) Barrer(ctx context.Context) error {
	ids, err := a.almacen.PorDespertar(ctx, edadBarrido, loteTramites)
	if err != nil {
		return err
	}
	for _, id := range ids {
		a.Despertar(ctx, id)
	}
	return nil
}

// wakeTimeout bounds one try to wake a workflow.
const wakeTimeout = 5 * time.Second

// SweepEvery is how often to look for decisions that have not reached their workflow.
const SweepEvery = 30 * time.Second

// edadBarrido is the age from which a decision that has not reached its workflow is looked at. A younger one is still on its way.
const edadBarrido = 30 * time.Second
