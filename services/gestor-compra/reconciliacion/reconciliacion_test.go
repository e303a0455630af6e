package reconciliacion_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dapr/durabletask-go/api"
	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/reconciliacion"
	"entregas/workflows/compra"
)

// motor knows some workflows, and remembers what was asked of it.
type motor struct {
	estados   map[string]api.OrchestrationStatus
	caido     bool
	iniciados []string
	empujados []string
}

func (m *motor) FetchWorkflowMetadata(_ context.Context, id string, _ ...workflow.FetchWorkflowMetadataOptions) (*workflow.WorkflowMetadata, error) {
	if m.caido {
		return nil, errors.New("el motor no responde")
	}
	estado, hay := m.estados[id]
	if !hay {
		return nil, api.ErrInstanceNotFound
	}
	return &workflow.WorkflowMetadata{RuntimeStatus: estado}, nil
}

func (m *motor) ScheduleWorkflow(_ context.Context, nombre string, _ ...workflow.NewWorkflowOptions) (string, error) {
	m.iniciados = append(m.iniciados, nombre)
	return "", nil
}

func (m *motor) RaiseEvent(_ context.Context, id, _ string, _ ...workflow.RaiseEventOptions) error {
	m.empujados = append(m.empujados, id)
	return nil
}

// What the reconciler does about a purchase in which nothing has happened for longer than any step takes.
func TestMendar(t *testing.T) {
	casos := []struct {
		nombre  string
		estado  contracts.Estado
		flujo   api.OrchestrationStatus // 0 (RUNNING) counts where hay says so
		hay     bool
		quieta  time.Duration
		inicia  bool
		empuja  bool
		hallado string
	}{
		{"the engine forgot it at the beginning", contracts.EstadoIniciada, 0, false, time.Hour, true, false, "arrancado de nuevo"},
		{"the engine forgot it on the way", contracts.EstadoProductosReservados, 0, false, time.Hour, true, false, "deshecha"},
		{"it failed on the way", contracts.EstadoProductosValidos, workflow.StatusFailed, true, time.Hour, true, false, "deshecha"},
		{"it was forgotten while it was undone", contracts.EstadoCompensando, 0, false, time.Hour, true, false, "deshecha"},
		{"it lives and stands still", contracts.EstadoProductosValidos, workflow.StatusRunning, true, time.Hour, false, true, "empujado"},
		{"it lives and waits for a participant", contracts.EstadoCompensando, workflow.StatusRunning, true, time.Hour, false, true, ""},
		{"a compensation that sleeps", contracts.EstadoCompensando, 0, false, 10 * time.Minute, false, false, ""},
		{"it goes on", contracts.EstadoProductosValidos, workflow.StatusRunning, true, time.Minute, false, false, ""},
		{"nobody has started it", contracts.EstadoRecibida, 0, false, time.Hour, false, false, ""},
		{"an operator has to decide", contracts.EstadoPorAprobar, workflow.StatusRunning, true, time.Hour, false, false, ""},
		{"it is done", contracts.EstadoConfirmada, workflow.StatusCompleted, true, time.Hour, false, false, ""},
	}
	for _, c := range casos {
		t.Run(c.nombre, func(t *testing.T) {
			a, m := postgrestest.Nuevo(t), &motor{estados: map[string]api.OrchestrationStatus{}}
			s := a.Compra(t, c.estado)
			a.Hacer(t, `update compra set actualizada_en = clock_timestamp() - $2::interval where id = $1`, s.ID, c.quieta)
			if c.hay {
				m.estados[s.ID] = c.flujo
			}
			r := reconciliacion.Nuevo(a, m, reconciliacion.Ajustes{Paciencia: 5 * time.Minute, Holgura: 2 * time.Minute, Saga: compra.Ajustes{}})
			if err := r.Revisar(t.Context()); err != nil {
				t.Fatal(err)
			}
			if (len(m.iniciados) > 0) != c.inicia || (len(m.empujados) > 0) != c.empuja {
				t.Errorf("iniciados %v, empujados %v", m.iniciados, m.empujados)
			}
			hallado := postgrestest.Uno[string](t, a, `select coalesce(max(hecho), '') from hallazgo where id_compra = $1`, s.ID)
			if hallado != c.hallado {
				t.Errorf("anotó %q, se esperaba %q", hallado, c.hallado)
			}
		})
	}
}

// Failure prevented: the engine is away for a moment, and every purchase is undone.
func TestUnMotorQueNoRespondeNoPerdioNada(t *testing.T) {
	a, m := postgrestest.Nuevo(t), &motor{caido: true}
	s := a.Compra(t, contracts.EstadoProductosReservados)
	a.Hacer(t, `update compra set actualizada_en = now() - interval '1 hour' where id = $1`, s.ID)
	err := reconciliacion.Nuevo(a, m, reconciliacion.Ajustes{Paciencia: time.Minute}).Revisar(t.Context())
	if err == nil || !strings.Contains(err.Error(), s.ID) || len(m.iniciados)+len(m.empujados) > 0 {
		t.Errorf("%v, iniciados %v, empujados %v", err, m.iniciados, m.empujados)
	}
}
