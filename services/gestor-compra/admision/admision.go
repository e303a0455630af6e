// Package admision starts the workflows of accepted purchases, urgent ones first, so many at a time (decision 5).
package admision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/dapr/durabletask-go/workflow"
	"golang.org/x/sync/errgroup"

	"entregas/contracts"
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
	ScheduleWorkflow(ctx context.Context, nombre string, opts ...workflow.NewWorkflowOptions) (string, error)
	RaiseEvent(ctx context.Context, id, evento string, opts ...workflow.RaiseEventOptions) error
	FetchWorkflowMetadata(ctx context.Context, id string, opts ...workflow.FetchWorkflowMetadataOptions) (*workflow.WorkflowMetadata, error)
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
			return a.iniciar(ctx, nombres[t.Tipo], compra.IDTramite(t.Compra.ID, t.Tipo), compra.Entrada{Compra: t.Compra, Motivo: t.Motivo})
		})
	}
	return errors.Join(sinTurnos, sinTramites, grupo.Wait())
}

var nombres = map[string]string{compra.TramiteDespacho: compra.NombreDespacho, compra.TramiteCancelacion: compra.NombreCancelacion}

// iniciar schedules a workflow. That it is there already is as good: a lease ran out while the engine was slow, or before
// it got to its first turn. When it fails the lease runs out, and what was to be started comes again.
func (a *Admision) iniciar(ctx context.Context, nombre, id string, e compra.Entrada) error {
	ctx = registro.ConCompra(ctx, e.Compra.ID)
	e.Ajustes = a.ajustes.Saga
	fallas.Punto(fallas.TurnoDado, nombre)
	_, err := a.motor.ScheduleWorkflow(ctx, nombre, workflow.WithInstanceID(id), workflow.WithInput(e))
	if err != nil && strings.Contains(err.Error(), "already exists") { // the engine's error has no type
		err = a.empujar(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("iniciar %s: %w", id, err)
	}
	return nil
}

// empujar gives a workflow its first turn when it still waits for it. When the program is killed while daprd creates an
// instance, its start reminder may fire before its state is written and be lost ("No workflow state found"): the instance
// stays PENDING for ever, and cannot be scheduled again. Any event brings a reminder of its own.
func (a *Admision) empujar(ctx context.Context, id string) error {
	m, err := a.motor.FetchWorkflowMetadata(ctx, id)
	if err != nil || m.RuntimeStatus != workflow.StatusPending {
		return err
	}
	slog.WarnContext(ctx, "un flujo esperaba su primer turno", "flujo", id)
	return a.motor.RaiseEvent(ctx, id, "empujon") // nobody waits for it
}

// aunqueSeVaya is ctx for what follows from something that is recorded: it is done for the purchase, not for who asked, who may
// have hung up by then.
func aunqueSeVaya(ctx context.Context) (context.Context, func()) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// Despertar wakes the workflow of a purchase about which something was decided. When it fails the sweep wakes it.
func (a *Admision) Despertar(ctx context.Context, idCompra string) {
	ctx, soltar := aunqueSeVaya(ctx)
	defer soltar()
	if err := a.motor.RaiseEvent(ctx, idCompra, compra.EventoDecision); err != nil {
		slog.WarnContext(registro.ConCompra(ctx, idCompra), "despertar", "error", err)
	}
}

// Deshacer starts, under the purchase's own id, a workflow that undoes it. When it fails the reconciler finds the purchase
// standing still.
func (a *Admision) Deshacer(ctx context.Context, d compras.Detenida) {
	ctx, soltar := aunqueSeVaya(ctx)
	defer soltar()
	final := contracts.EstadoRechazada
	if d.PorCancelacion {
		final = contracts.EstadoCancelada
	}
	entrada := compra.ParaDeshacer(d.Compra, a.ajustes.Saga, final, d.Motivo, time.Now())
	if err := a.iniciar(ctx, compra.NombreCompra, d.Compra.ID, entrada); err != nil {
		slog.WarnContext(registro.ConCompra(ctx, d.Compra.ID), "deshacer", "error", err)
	}
}

// Barrer wakes again those whose decision has not reached them (decision 10).
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

const edadBarrido = 30 * time.Second
