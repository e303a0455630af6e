// Package engine starts, wakes and replaces the workflow instances of purchases on Dapr's workflow engine.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/dapr/durabletask-go/api"
	"github.com/dapr/durabletask-go/workflow"

	"entregas/workflows/compra"
)

// Client is the part of the workflow client that Engine uses.
type Client interface {
	ScheduleWorkflow(ctx context.Context, name string, opts ...workflow.NewWorkflowOptions) (string, error)
	RaiseEvent(ctx context.Context, id, event string, opts ...workflow.RaiseEventOptions) error
	FetchWorkflowMetadata(ctx context.Context, id string, opts ...workflow.FetchWorkflowMetadataOptions) (*workflow.WorkflowMetadata, error)
	ResumeWorkflow(ctx context.Context, id, reason string) error
	TerminateWorkflow(ctx context.Context, id string, opts ...workflow.TerminateOptions) error
	PurgeWorkflowState(ctx context.Context, id string, opts ...workflow.PurgeOptions) error
}

// terminationWait is how long Remove waits until the engine has ended an instance. A healthy engine needs milliseconds.
const terminationWait = 5 * time.Second

// terminationPoll is how often Remove checks whether the engine has ended an instance.
const terminationPoll = 50 * time.Millisecond

// Engine starts, wakes, replaces and removes workflow instances by their ids.
type Engine struct {
	client Client
	wait   time.Duration
	poll   time.Duration
}

// New returns an Engine that acts through client.
func New(client Client) *Engine {
	return &Engine{client: client, wait: terminationWait, poll: terminationPoll}
}

// Start schedules a workflow. It succeeds also when the instance exists already: its purchase was given out again, because the
// lease expired before the instance got its first turn.
func (e *Engine) Start(ctx context.Context, name, id string, in compra.Input) error {
	err := e.schedule(ctx, name, id, in)
	if exists(err) {
		err = e.push(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", id, err)
	}
	return nil
}

func (e *Engine) schedule(ctx context.Context, name, id string, in compra.Input) error {
	in.Compra.Direccion = nil // the engine keeps its inputs for days, and shows them: docs/adr/personal-data.md
	_, err := e.client.ScheduleWorkflow(ctx, name, workflow.WithInstanceID(id), workflow.WithInput(in))
	return err
}

// exists tells whether err says that an active instance has the id. The error of the engine has no type.
func exists(err error) bool { return err != nil && strings.Contains(err.Error(), "already exists") }

// push raises an event for an instance that is still PENDING. When the program is killed while daprd creates an instance, its
// start reminder may fire before its state is written and be lost ("No workflow state found"). The instance would then stay
// PENDING for ever and could not be scheduled again. Any event creates a new reminder.
func (e *Engine) push(ctx context.Context, id string) error {
	m, err := e.client.FetchWorkflowMetadata(ctx, id)
	if err != nil || m.RuntimeStatus != workflow.StatusPending {
		return err
	}
	slog.WarnContext(ctx, "an instance waited for its first turn", "workflow", id)
	return e.client.RaiseEvent(ctx, id, "push") // no workflow waits for this event
}

// Wake tells the workflow of a purchase that a decision about it is stored.
func (e *Engine) Wake(ctx context.Context, id string) error {
	return e.client.RaiseEvent(ctx, id, compra.DecisionEvent)
}

// Age returns how long an instance has existed, and whether it is active. Both are zero when there is no such instance.
func (e *Engine) Age(ctx context.Context, id string) (age time.Duration, active bool, err error) {
	m, err := e.find(ctx, id)
	if err != nil || m == nil {
		return 0, false, err
	}
	return time.Since(m.CreatedAt.AsTime()), !ended(m), nil
}

// find returns an instance, or nil when there is none.
func (e *Engine) find(ctx context.Context, id string) (*workflow.WorkflowMetadata, error) {
	m, err := e.client.FetchWorkflowMetadata(ctx, id)
	if errors.Is(err, api.ErrInstanceNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read instance %s: %w", id, err)
	}
	return m, nil
}

func ended(m *workflow.WorkflowMetadata) bool {
	switch m.RuntimeStatus {
	case workflow.StatusCompleted, workflow.StatusFailed, workflow.StatusTerminated, workflow.StatusCanceled:
		return true
	default:
		return false
	}
}

// Replace removes an instance, whatever its state, and schedules another one with input in under the same id. If the admission
// schedules an instance in between, Replace removes that one too, since its input is not in.
func (e *Engine) Replace(ctx context.Context, name, id string, in compra.Input) error {
	var err error
	for range 2 {
		if err := e.Remove(ctx, id); err != nil {
			return err
		}
		if err = e.schedule(ctx, name, id, in); !exists(err) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("replace %s: %w", id, err)
	}
	return nil
}

// Remove terminates an instance and purges its state and reminders. It returns an error when the instance does not end within
// terminationWait: then the engine does not fire reminders now, and the instance may still go on.
func (e *Engine) Remove(ctx context.Context, id string) error {
	m, err := e.find(ctx, id)
	if err != nil {
		return err
	}
	if m != nil && m.RuntimeStatus == workflow.StatusSuspended { // a suspended instance ignores a termination
		if err := e.client.ResumeWorkflow(ctx, id, "it is terminated"); err != nil {
			return fmt.Errorf("resume %s: %w", id, err)
		}
	}
	if m != nil && !ended(m) {
		if err := e.client.TerminateWorkflow(ctx, id); err != nil {
			return fmt.Errorf("terminate %s: %w", id, err)
		}
		if err := e.awaitEnd(ctx, id); err != nil {
			return err
		}
	}
	if err := e.client.PurgeWorkflowState(ctx, id); err != nil && !notFound(err) {
		return fmt.Errorf("purge %s: %w", id, err)
	}
	return nil
}

// notFound tells whether err says that there is no such instance. It compares the text too: an error that passed through an
// actor has lost its type.
func notFound(err error) bool {
	return errors.Is(err, api.ErrInstanceNotFound) || strings.HasSuffix(err.Error(), api.ErrInstanceNotFound.Error())
}

func (e *Engine) awaitEnd(ctx context.Context, id string) error {
	ctx, release := context.WithTimeout(ctx, e.wait)
	defer release()
	for {
		_, active, err := e.Age(ctx, id)
		if err == nil && !active {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("instance %s does not end", id), err)
		case <-time.After(e.poll):
		}
	}
}
