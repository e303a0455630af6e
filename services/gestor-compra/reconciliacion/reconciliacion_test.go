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
	"entregas/services/gestor-compra/postgres"
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
	evento    string // the last one
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

func (m *motor) RaiseEvent(_ context.Context, id, evento string, _ ...workflow.RaiseEventOptions) error {
	m.empujados, m.evento = append(m.empujados, id), evento
	return nil
}

var ajustes = reconciliacion.Ajustes{Paciencia: 5 * time.Minute, Holgura: 2 * time.Minute, Saga: compra.Ajustes{PlazoAprobacion: 24 * time.Hour}}

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
			r := reconciliacion.Nuevo(a, m, ajustes)
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

// Failure prevented: a purchase that awaits an operator when the engine loses its memory waits for ever, with its units reserved:
// nobody is there whom a decision could wake, or who would let it expire.
func TestUnaAprobacionPerdida(t *testing.T) {
	for _, c := range []struct {
		nombre   string
		decision string        // none: nobody has decided
		hace     time.Duration // since the decision, or since the purchase waits
		vive     bool
		inicia   bool
		empuja   bool
		cancela  bool
	}{
		{"it waits for an operator", "", time.Hour, false, false, false, false},
		{"its time was up and nobody said so", "", 25 * time.Hour, false, true, false, false},
		{"it was approved just now", postgres.Aprobada, time.Minute, false, false, false, false},
		{"it was approved and never heard of it", postgres.Aprobada, time.Hour, false, true, false, false},
		{"it was cancelled and never heard of it", postgres.Cancelada, time.Hour, false, true, false, true},
		{"its workflow lives and was not woken", postgres.Aprobada, time.Hour, true, false, true, false},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			a, m := postgrestest.Nuevo(t), &motor{estados: map[string]api.OrchestrationStatus{}}
			s := a.Compra(t, contracts.EstadoPorAprobar)
			a.Hacer(t, `update compra set actualizada_en = clock_timestamp() - $2::interval where id = $1`, s.ID, c.hace)
			if c.decision != "" {
				if _, _, err := a.Decidir(t.Context(), s.ID, postgres.Decision{Decision: c.decision, Motivo: "porque sí"}); err != nil {
					t.Fatal(err)
				}
				a.Hacer(t, `update decision set tomada_en = clock_timestamp() - $2::interval where id_compra = $1`, s.ID, c.hace)
			}
			if c.vive {
				m.estados[s.ID] = workflow.StatusRunning
			}
			if err := reconciliacion.Nuevo(a, m, ajustes).Revisar(t.Context()); err != nil {
				t.Fatal(err)
			}
			if (len(m.iniciados) > 0) != c.inicia || (len(m.empujados) > 0) != c.empuja {
				t.Errorf("iniciados %v, empujados %v", m.iniciados, m.empujados)
			}
			if c.empuja && m.evento != compra.EventoDecision {
				t.Errorf("lo despierta %q, que no hace mirar la decisión", m.evento)
			}
			hallado := postgrestest.Uno[string](t, a, `select coalesce(max(hecho), '') from hallazgo where id_compra = $1`, s.ID)
			if (hallado == "deshecha") != c.inicia || (hallado == "") == c.inicia {
				t.Errorf("anotó %q", hallado)
			}
			if !c.cancela {
				return
			}
			quietas, err := a.SinAvance(t.Context(), time.Minute, time.Hour, time.Hour, 1)
			if err != nil || len(quietas) != 1 || !quietas[0].PorCancelacion || quietas[0].Motivo != "porque sí" {
				t.Errorf("%+v, %v", quietas, err)
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
