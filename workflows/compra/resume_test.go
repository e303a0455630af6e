package compra

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dapr/durabletask-go/api"
	"github.com/dapr/durabletask-go/api/protos"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"entregas/contracts"
)

// undoing returns the input e of a purchase whose compensation was lost, and must end in the state final.
func undoing(e Input, final contracts.Estado) Input {
	return Resume(Progress{
		SolicitudCompra: e.Compra, Estado: contracts.EstadoCompensando, Since: time.Now(), Cancelled: final == contracts.EstadoCancelada, Motivo: "Se perdió.",
	}, e.Settings, "", time.Now())
}

// A compensation that was lost undoes every step, ends in the right state, and sends no command of a step.
func TestLostCompensationUndoesEverything(t *testing.T) {
	e := newScenario(t)
	for id, final := range map[string]contracts.Estado{"lost": contracts.EstadoRechazada, "lost-cancelled": contracts.EstadoCancelada} {
		l := &script{outcomes: map[string][]Outcome{}}
		e.theater.scripts.Store(id, l)
		e.engine.start(t, CompraName, id, undoing(course{settings: Settings{CompensationDeadline: time.Hour}}.input(id), final))
		e.finish(t, id)
		if done := strings.Join(l.done(), ", "); done != strings.TrimPrefix(withoutOrden, ", ")+", close "+string(final) {
			t.Errorf("did %s", done)
		}
	}
}

// The input of a workflow that starts again depends on the state of its purchase.
func TestResume(t *testing.T) {
	now := time.Now()
	settings := Settings{AprobacionThreshold: 100, AprobacionDeadline: 24 * time.Hour, CompensationDeadline: time.Hour}
	for _, c := range []struct {
		estado    contracts.Estado
		since     time.Duration
		threshold int
		deadline  time.Duration
		undoes    bool
		cancels   bool
		finalFor  contracts.Estado
	}{
		{estado: contracts.EstadoIniciada, since: time.Hour, threshold: 100, deadline: 24 * time.Hour},
		{estado: contracts.EstadoProductosReservados, since: time.Hour, threshold: 100, deadline: 24 * time.Hour},
		{estado: contracts.EstadoPorAprobar, since: time.Hour, deadline: 23 * time.Hour},
		{estado: contracts.EstadoPorAprobar, since: 25 * time.Hour, deadline: 0},
		{estado: contracts.EstadoCompensando, since: time.Hour, threshold: 100, deadline: 24 * time.Hour, undoes: true, finalFor: contracts.EstadoRechazada},
		{estado: contracts.EstadoCompensando, since: time.Hour, threshold: 100, deadline: 24 * time.Hour, undoes: true, cancels: true, finalFor: contracts.EstadoCancelada},
	} {
		absent := []contracts.Faltante{{IDProducto: "1", Solicitada: 2}}
		e := Resume(Progress{
			Estado: c.estado, Since: now.Add(-c.since), Cancelled: c.cancels, Cause: contracts.ReservaRechazada, Motivo: "no hay", Faltantes: absent,
		}, settings, "another", now)
		if e.Run != "another" || e.Version != Version || e.Settings.AprobacionThreshold != c.threshold || e.Settings.AprobacionDeadline != c.deadline || e.undoing() != c.undoes {
			t.Errorf("%s: %+v", c.estado, e)
		}
		if c.undoes && (e.Resumed.End.Estado != c.finalFor || e.Resumed.End.Motivo != "no hay" || !e.Resumed.From.Equal(now.Add(-c.since)) ||
			!slices.Equal(e.Resumed.End.Faltantes, absent) || !slices.Equal(e.Resumed.Pending, rollbacks("", Version))) {
			t.Errorf("%s: %+v", c.estado, e.Resumed)
		}
	}
}

// Failure prevented: an activity of an instance ends after another instance has replaced it under the same id. The engine numbers
// the activities of both alike, so the new instance takes the outcome for the outcome of its own step.
func TestLateOutcomeOfAReplacedInstanceChangesNothing(t *testing.T) {
	e := newScenario(t)
	for name, stale := range map[string]string{
		"a refusal of the first instance":      `{"result":"refused","asked":true,"motivo":"no"}`,
		"an end without an outcome":            "",
		"a cancellation of another named run":  `{"run":"one","body":{"result":"cancelled","asked":true}}`,
		"an approval of the first instance":    `{"result":"accepted","asked":true}`,
		"no reply in time, of the first (nil)": `null`,
	} {
		t.Run(name, func(t *testing.T) {
			id := strings.ReplaceAll(name, " ", "-")
			l := &script{outcomes: map[string][]Outcome{}}
			told := false
			l.onCall = func(call string) {
				if told || call != string(contracts.ValidarInventario) {
					return
				}
				told = true
				if err := e.store.AddNewWorkflowEvent(t.Context(), api.InstanceID(id), &protos.HistoryEvent{
					EventId: -1, Timestamp: timestamppb.Now(), EventType: &protos.HistoryEvent_TaskCompleted{
						TaskCompleted: &protos.TaskCompletedEvent{TaskScheduledId: 0, Result: wrapperspb.String(stale)},
					},
				}); err != nil {
					t.Error(err)
				}
				for len(l.done()) < 2 { // until the workflow has taken the outcome, before this step ends
					if t.Context().Err() != nil {
						return
					}
					time.Sleep(time.Millisecond)
				}
			}
			e.theater.scripts.Store(id, l)
			e.engine.start(t, CompraName, id, course{run: "two"}.input(id))
			e.finish(t, id)
			want := string(contracts.ValidarInventario) + ", " + untilOrden
			if did := strings.Join(l.done(), ", "); did != want {
				t.Errorf("did %s, want %s", did, want)
			}
		})
	}
}

// A run with a name makes the same calls as a run without.
func TestNamedRunsWalkAlike(t *testing.T) {
	e := newScenario(t)
	scripts := map[string]*script{}
	for _, c := range courses {
		c.run = "two"
		scripts[c.name] = e.start(t, c, c.name)
	}
	for _, c := range courses {
		e.finish(t, c.name)
		if did := scripts[c.name].done(); !slices.Equal(did, c.want()) {
			t.Errorf("%s did %q, want %q", c.name, did, c.want())
		}
	}
}
