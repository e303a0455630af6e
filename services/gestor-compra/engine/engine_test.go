package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dapr/durabletask-go/api"
	"github.com/dapr/durabletask-go/api/protos"
	"github.com/dapr/durabletask-go/workflow"
	"google.golang.org/protobuf/types/known/timestamppb"

	"entregas/contracts"
	"entregas/workflows/compra"
)

// sidecar is an engine with at most one instance. It records the calls that it gets.
type sidecar struct {
	status   *protos.OrchestrationStatus // nil means that there is no instance
	did      []string
	inputs   []string // of the instances that were scheduled
	stubborn bool     // the instance does not end after a termination
	others   int      // how often another replica schedules the instance first
	away     error
}

func (s *sidecar) do(what string) error { s.did = append(s.did, what); return s.away }

func (s *sidecar) ScheduleWorkflow(_ context.Context, _ string, opts ...workflow.NewWorkflowOptions) (string, error) {
	var request protos.CreateInstanceRequest
	for _, set := range opts {
		if err := set(&request); err != nil {
			return "", err
		}
	}
	s.inputs = append(s.inputs, request.GetInput().GetValue())
	if s.others > 0 {
		s.others--
		s.status = status(workflow.StatusRunning)
	}
	if s.status != nil {
		return "", errors.New("an active workflow with ID 'a' already exists")
	}
	return "", s.do("schedule")
}

func (s *sidecar) RaiseEvent(_ context.Context, _, event string, _ ...workflow.RaiseEventOptions) error {
	return s.do("raise " + event)
}

func (s *sidecar) FetchWorkflowMetadata(context.Context, string, ...workflow.FetchWorkflowMetadataOptions) (*workflow.WorkflowMetadata, error) {
	if s.away != nil {
		return nil, s.away
	}
	if s.status == nil {
		return nil, api.ErrInstanceNotFound
	}
	return &workflow.WorkflowMetadata{RuntimeStatus: *s.status, CreatedAt: timestamppb.New(time.Now().Add(-time.Hour))}, nil
}

func (s *sidecar) ResumeWorkflow(context.Context, string, string) error {
	s.status = status(workflow.StatusRunning)
	return s.do("resume")
}

func (s *sidecar) TerminateWorkflow(context.Context, string, ...workflow.TerminateOptions) error {
	if !s.stubborn && *s.status != workflow.StatusSuspended {
		s.status = status(workflow.StatusTerminated)
	}
	return s.do("terminate")
}

func (s *sidecar) PurgeWorkflowState(context.Context, string, ...workflow.PurgeOptions) error {
	if s.status == nil {
		return fmt.Errorf("purge: %w", api.ErrInstanceNotFound)
	}
	s.status = nil
	return s.do("purge")
}

func status(s protos.OrchestrationStatus) *protos.OrchestrationStatus { return &s }

// Replace removes an instance before it schedules another with the same id. When the old instance does not end, Replace
// schedules nothing.
func TestReplace(t *testing.T) {
	for _, c := range []struct {
		name string
		s    sidecar
		did  string
		err  bool
	}{
		{"there is none", sidecar{}, "schedule", false},
		{"it runs", sidecar{status: status(workflow.StatusRunning)}, "terminate, purge, schedule", false},
		{"it waits for its first turn", sidecar{status: status(workflow.StatusPending)}, "terminate, purge, schedule", false},
		{"somebody suspended it", sidecar{status: status(workflow.StatusSuspended)}, "resume, terminate, purge, schedule", false},
		{"it has ended", sidecar{status: status(workflow.StatusCompleted)}, "purge, schedule", false},
		{"it failed", sidecar{status: status(workflow.StatusFailed)}, "purge, schedule", false},
		{"somebody else is quicker", sidecar{others: 1}, "terminate, purge, schedule", false},
		{"somebody else is quicker each time", sidecar{others: 2}, "terminate, purge", true},
		{"it does not end", sidecar{status: status(workflow.StatusRunning), stubborn: true}, "terminate", true},
		{"the engine is away", sidecar{away: errors.New("no answer")}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := New(&c.s)
			e.wait, e.poll = 20*time.Millisecond, time.Millisecond
			err := e.Replace(t.Context(), compra.CompraName, "a", compra.Input{})
			if did := strings.Join(c.s.did, ", "); did != c.did || (err != nil) != c.err {
				t.Errorf("did %q: %v", did, err)
			}
		})
	}
}

// An instance that exists and never ran has lost its start reminder. Start raises an event, which creates a new reminder.
// Other instances get no event.
func TestStart(t *testing.T) {
	for s, did := range map[*protos.OrchestrationStatus]string{
		nil: "schedule", status(workflow.StatusPending): "raise push", status(workflow.StatusRunning): "", status(workflow.StatusSuspended): "",
	} {
		c := sidecar{status: s}
		if err := New(&c).Start(t.Context(), compra.CompraName, "a", compra.Input{}); err != nil || strings.Join(c.did, ", ") != did {
			t.Errorf("did %q: %v", c.did, err)
		}
	}
}

// The engine shows its inputs and keeps them for days: none has an address (docs/adr/personal-data.md).
func TestNoInputHasAnAddress(t *testing.T) {
	s := &sidecar{}
	e := New(s)
	in := compra.Input{Compra: contracts.SolicitudCompra{ID: "a", Domicilio: true, Direccion: &contracts.Direccion{Calle: "Calle 1"}}}
	if err := e.Start(t.Context(), compra.CompraName, "a", in); err != nil {
		t.Fatal(err)
	}
	if err := e.Replace(t.Context(), compra.CompraName, "a", in); err != nil {
		t.Fatal(err)
	}
	if len(s.inputs) != 2 || strings.Contains(strings.Join(s.inputs, ""), "Calle") || !strings.Contains(s.inputs[0], `"domicilio":true`) {
		t.Errorf("scheduled with %q", s.inputs)
	}
}
