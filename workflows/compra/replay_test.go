package compra

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dapr/durabletask-go/api"
	"github.com/dapr/durabletask-go/backend"
	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// Failure prevented: a new version of a workflow breaks the instances in flight, which the engine replays with the new program. The
// engine notices only a missing call. This comparison also notices a call of another activity, or with another input.
func TestHistoriesReplay(t *testing.T) {
	m := newWorker(t, func(r *workflow.Registry) error { return Register(r, &theater{}) })
	for _, h := range readHistories(t) {
		t.Run(h.name, func(t *testing.T) {
			if err := m.repeat(t, h); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestEachCourseHasAHistory(t *testing.T) {
	histories := readHistories(t)
	for _, c := range courses {
		if !slices.ContainsFunc(histories, func(h history) bool { return strings.HasPrefix(h.name, c.name+".") }) {
			t.Errorf("%s has no history: go test ./compra -run TestPaths -record", c.name)
		}
	}
}

// repeat replays each beginning of h. After each beginning the workflow must do what the history has next.
func (m *engine) repeat(t *testing.T, h history) error {
	t.Helper()
	for k := 1; k <= len(h.events); k++ {
		response, err := m.executor.Executor.ExecuteWorkflow(t.Context(), api.InstanceID(fmt.Sprint(h.name, k)), h.events[:k], nil, backend.ExecuteOptions{})
		if err != nil {
			return err
		}
		var now []step
		for _, a := range response.GetActions() {
			now = append(now, ofAction(a))
		}
		earlier, comparable := h.after(k)
		if !comparable {
			earlier = nil // half a turn: the engine never sends one, but the workflow must not fail
			now = slices.DeleteFunc(now, func(p step) bool { return !strings.Contains(p.Name, "FAILED") })
		}
		if !slices.EqualFunc(earlier, now, step.equal) {
			return fmt.Errorf("after %d events\nit did  %v\nit does %v", k, earlier, now)
		}
	}
	return nil
}

// after returns the steps of the workflow after the first k events. It reports false where these events end in the middle of a
// turn, so that the steps cannot be known.
func (h history) after(k int) ([]step, bool) {
	if k == len(h.events) {
		var steps []step
		for _, a := range h.actions {
			steps = append(steps, ofAction(a))
		}
		return steps, true
	}
	var steps []step
	for _, e := range h.events[k:] {
		p := ofEvent(e)
		if p == nil {
			return steps, len(steps) > 0 || e.GetWorkflowStarted() != nil
		}
		steps = append(steps, *p)
	}
	return steps, true
}

// alterations are versions of Compra that break instances in flight.
var alterations = map[string]workflow.Workflow{
	"steps in another order":       withSteps(func(r *walk) { r.do(Reserva); r.do(Inventario); r.aprobar(); r.do(Orden) }),
	"a step left out":              withSteps(func(r *walk) { r.do(Reserva); r.aprobar(); r.do(Orden) }),
	"a step twice":                 withSteps(func(r *walk) { r.do(Inventario); r.do(Inventario); r.do(Reserva); r.aprobar(); r.do(Orden) }),
	"the approval last":            withSteps(func(r *walk) { r.do(Inventario); r.do(Reserva); r.do(Orden); r.aprobar() }),
	"everything needs an approval": withSteps(func(r *walk) { r.do(Inventario); r.do(Reserva); r.Aprobacion(); r.do(Orden) }),
	"another rollback": withSteps(func(r *walk) {
		r.do(Inventario)
		r.undo = nil
		r.do(Reserva)
		r.aprobar()
		r.do(Orden)
	}),
	"another activity": withSteps(func(r *walk) {
		r.fail(r.call("Validar", Question{Compra: r.input.Compra, Command: contracts.ValidarInventario}, nil))
		r.do(Reserva)
		r.aprobar()
		r.do(Orden)
	}),
	"a wait between": withSteps(func(r *walk) {
		r.do(Inventario)
		r.fail(r.ctx.CreateTimer(1).Await(nil))
		r.do(Reserva)
		r.aprobar()
		r.do(Orden)
	}),
	"rollbacks first to last": withSteps(func(r *walk) {
		r.do(Inventario)
		r.do(Reserva)
		r.aprobar()
		r.do(Orden)
		slices.Reverse(r.undo)
	}),
}

func withSteps(steps func(r *walk)) workflow.Workflow {
	return func(ctx *workflow.WorkflowContext) (any, error) {
		var e Input
		if err := ctx.GetInput(&e); err != nil {
			return nil, err
		}
		r := newWalk(ctx, e, InFlight)
		steps(r)
		return r.End()
	}
}

func (r *walk) aprobar() {
	if r.input.RequiresAprobacion() {
		r.Aprobacion()
	}
}

func (r *walk) fail(err error) {
	if err != nil {
		r.nothingToDo = true
	}
}

// TestHistoriesReplay would fail for each alteration.
func TestBreakingChangeIsSeen(t *testing.T) {
	histories := readHistories(t)
	for name, altered := range alterations {
		t.Run(name, func(t *testing.T) {
			m := newWorker(t, func(r *workflow.Registry) error {
				return errors.Join(r.AddWorkflowN(CompraName, altered), r.AddWorkflowN(DespachoName, Despacho), r.AddWorkflowN(CancelacionName, Cancelacion))
			})
			for _, h := range histories {
				if m.repeat(t, h) != nil {
					return
				}
			}
			t.Error("no history notices it")
		})
	}
}
