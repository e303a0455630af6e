// Package reconciliacion looks for purchases whose saga does not go on, and makes it go on. In a system whose parts keep
// their disks there are none: it is for an engine or a broker that lost its own.
package reconciliacion

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/dapr/durabletask-go/api"
	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/registro"
	"entregas/workflows/compra"
)

// Ajustes of the search. A purchase stands still when nothing changes in it for longer than a step waits (Paciencia), a
// compensation waits and then sleeps, or an approval may take (Saga.PlazoAprobacion), and Holgura beyond.
type Ajustes struct {
	Paciencia, Holgura time.Duration
	Saga               compra.Ajustes
}

const (
	porVuelta = 100
	dormida   = 15 * time.Minute                                 // the longest that a compensation sleeps between two tries
	perdida   = "Se perdió el avance de la compra y se deshizo." // what its customer is told
)

// Almacen tells what stands still, and keeps what was found.
type Almacen interface {
	SinAvance(ctx context.Context, enCurso, compensando, porAprobar time.Duration, limite int) ([]compras.Detenida, error)
	AnotarHallazgo(ctx context.Context, idCompra, que, hecho string) error
}

// Motor is the workflow engine.
type Motor interface {
	FetchWorkflowMetadata(ctx context.Context, id string, opts ...workflow.FetchWorkflowMetadataOptions) (*workflow.WorkflowMetadata, error)
	ScheduleWorkflow(ctx context.Context, nombre string, opts ...workflow.NewWorkflowOptions) (string, error)
	RaiseEvent(ctx context.Context, id, evento string, opts ...workflow.RaiseEventOptions) error
}

// Reconciliador mends.
type Reconciliador struct {
	almacen Almacen
	motor   Motor
	ajustes Ajustes
}

// Nuevo mends what a tells, on m.
func Nuevo(a Almacen, m Motor, ajustes Ajustes) *Reconciliador {
	return &Reconciliador{a, m, ajustes}
}

// Revisar looks once. What it could not mend it finds again.
func (r *Reconciliador) Revisar(ctx context.Context) error {
	enCurso := r.ajustes.Paciencia + r.ajustes.Holgura
	detenidas, err := r.almacen.SinAvance(ctx, enCurso, enCurso+dormida, enCurso+r.ajustes.Saga.PlazoAprobacion, porVuelta)
	if err != nil {
		return err
	}
	var fallos []error
	for _, d := range detenidas {
		if err := r.mendar(registro.ConCompra(ctx, d.Compra.ID), d); err != nil {
			fallos = append(fallos, fmt.Errorf("compra %s: %w", d.Compra.ID, err))
		}
	}
	return errors.Join(fallos...)
}

// mendar asks the engine what it knows of the purchase. A workflow that lives is given a push: an event brings a reminder of
// its own, should the engine have lost the one that it waits for. One that waits for a decision is told to look for it, and at
// the clock. One that is gone is started again under its id: from the
// beginning where nothing was done yet, else to undo what was.
func (r *Reconciliador) mendar(ctx context.Context, d compras.Detenida) error {
	for _, id := range []string{d.Compra.ID, compra.IDTramite(d.Compra.ID, compra.TramiteCancelacion)} {
		vive, err := r.vive(ctx, id)
		if err != nil {
			return err
		}
		if vive {
			return r.empujar(ctx, id, d)
		}
	}
	entrada, hecho := compra.Entrada{Compra: d.Compra, Ajustes: r.ajustes.Saga}, "arrancado de nuevo"
	if d.Estado != contracts.EstadoIniciada {
		final, motivo := contracts.EstadoRechazada, perdida
		if d.PorCancelacion {
			final, motivo = contracts.EstadoCancelada, d.Motivo
		}
		entrada, hecho = compra.ParaDeshacer(d.Compra, r.ajustes.Saga, final, motivo, time.Now()), "deshecha"
	}
	if _, err := r.motor.ScheduleWorkflow(ctx, compra.NombreCompra, workflow.WithInstanceID(d.Compra.ID), workflow.WithInput(entrada)); err != nil {
		if strings.Contains(err.Error(), "already exists") { // another replica was quicker; the engine's error has no type
			return nil
		}
		return err
	}
	return r.anotar(ctx, d, "flujo perdido", hecho)
}

func (r *Reconciliador) empujar(ctx context.Context, id string, d compras.Detenida) error {
	evento := "empujon" // nobody waits for it
	switch d.Estado {
	case contracts.EstadoCompensando: // which may wait for hours for a participant that is away
	case contracts.EstadoPorAprobar:
		evento = compra.EventoDecision
	default:
		if err := r.anotar(ctx, d, "flujo sin avance", "empujado"); err != nil {
			return err
		}
	}
	return r.motor.RaiseEvent(ctx, id, evento)
}

func (r *Reconciliador) vive(ctx context.Context, id string) (bool, error) {
	m, err := r.motor.FetchWorkflowMetadata(ctx, id)
	if errors.Is(err, api.ErrInstanceNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch m.RuntimeStatus {
	case workflow.StatusCompleted, workflow.StatusFailed, workflow.StatusTerminated, workflow.StatusCanceled:
		return false, nil
	default:
		return true, nil
	}
}

func (r *Reconciliador) anotar(ctx context.Context, d compras.Detenida, que, hecho string) error {
	slog.WarnContext(ctx, "reconciliación", "hallazgo", que, "estado", d.Estado, "hecho", hecho)
	return r.almacen.AnotarHallazgo(ctx, d.Compra.ID, que+" en "+string(d.Estado), hecho)
}
