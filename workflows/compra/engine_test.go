package compra

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/dapr/durabletask-go/api"
	"github.com/dapr/durabletask-go/api/protos"
	"github.com/dapr/durabletask-go/backend"
	"github.com/dapr/durabletask-go/backend/sqlite"
	"github.com/dapr/durabletask-go/workflow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
)

// engine runs the workflow engine of the sidecar in the process of the test. The client, the worker and the registry are those of
// production.
type engine struct {
	client   *workflow.Client
	executor *recorder
	store    backend.Backend
}

// newWorker connects a worker to an engine that runs a workflow only when the test calls its executor. register fills the registry.
func newWorker(t testing.TB, register func(r *workflow.Registry) error) *engine {
	t.Helper()
	store := sqlite.NewSqliteBackend(sqlite.NewSqliteOptions(""), quiet{})
	executor, serve := backend.NewGrpcExecutor(store, quiet{}, backend.WithSkipWaitForInstanceStart())
	server, listensAt := grpc.NewServer(), bufconn.Listen(1<<20)
	serve(server)
	go func() { _ = server.Serve(listensAt) }() // Serve returns after Stop
	t.Cleanup(server.Stop)

	connection, err := grpc.NewClient("passthrough:///engine", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listensAt.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	registry := workflow.NewRegistry()
	if err := register(registry); err != nil {
		t.Fatal(err)
	}
	m := &engine{client: workflow.NewClientWithLogger(connection, quiet{}), store: store, executor: &recorder{Executor: executor}}
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	if err := m.client.StartWorker(ctx, registry); err != nil {
		t.Fatal(err)
	}
	return m
}

// newEngine returns a worker with an engine that runs scheduled workflows.
func newEngine(t testing.TB, register func(r *workflow.Registry) error) *engine {
	t.Helper()
	m := newWorker(t, register)
	workflows := backend.NewWorkflowWorker(backend.WorkflowWorkerOptions{Backend: m.store, Executor: m.executor, Logger: quiet{}, AppID: "test"})
	hub := backend.NewTaskHubWorker(m.store, workflows, backend.NewActivityTaskWorker(m.store, m.executor, quiet{}), quiet{})
	if err := hub.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := hub.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m
}

func (m *engine) start(t testing.TB, flow, id string, e Input) {
	t.Helper()
	if _, err := m.client.ScheduleWorkflow(t.Context(), flow, workflow.WithInstanceID(id), workflow.WithInput(e)); err != nil {
		t.Fatal(err)
	}
}

// finish waits until an instance has ended. It fails the test if the instance failed.
func (m *engine) finish(t testing.TB, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		estado, err := m.client.FetchWorkflowMetadata(ctx, id)
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if (*protos.WorkflowMetadata)(estado).GetRuntimeStatus() == protos.OrchestrationStatus_ORCHESTRATION_STATUS_COMPLETED {
			return
		}
		if api.WorkflowMetadataIsComplete((*protos.WorkflowMetadata)(estado)) {
			t.Fatalf("%s ended %s: %v", id, estado.RuntimeStatus, estado.FailureDetails)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s does not end", id)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// runRecord records one run of an instance. A ContinueAsNew begins another run.
type runRecord struct {
	events  []*protos.HistoryEvent   // the history before the last turn of the workflow
	actions []*protos.WorkflowAction // the actions of the last turn
}

// recorder records each request of the engine to the worker and each response.
type recorder struct {
	backend.Executor
	mu         sync.Mutex
	runRecords map[api.InstanceID][]runRecord
}

func (g *recorder) ExecuteWorkflow(ctx context.Context, id api.InstanceID, old, fresh []*protos.HistoryEvent, o backend.ExecuteOptions) (*protos.WorkflowResponse, error) {
	response, err := g.Executor.ExecuteWorkflow(ctx, id, old, fresh, o)
	if err != nil {
		return nil, err
	}
	var now runRecord
	for _, e := range append(old[:len(old):len(old)], fresh...) {
		now.events = append(now.events, proto.Clone(e).(*protos.HistoryEvent))
	}
	for _, a := range response.GetActions() {
		now.actions = append(now.actions, proto.Clone(a).(*protos.WorkflowAction))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.runRecords == nil {
		g.runRecords = map[api.InstanceID][]runRecord{}
	}
	all := g.runRecords[id]
	if len(old) == 0 {
		all = append(all, now)
	} else {
		all[len(all)-1] = now
	}
	g.runRecords[id] = all
	return response, nil
}

func (g *recorder) of(id string) []runRecord {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.runRecords[api.InstanceID(id)]
}

// quiet is a logger for the engine that discards everything.
type quiet struct{}

func (quiet) Debug(...any)          {}
func (quiet) Debugf(string, ...any) {}
func (quiet) Info(...any)           {}
func (quiet) Infof(string, ...any)  {}
func (quiet) Warn(...any)           {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Error(...any)          {}
func (quiet) Errorf(string, ...any) {}
