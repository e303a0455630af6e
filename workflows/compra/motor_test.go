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

// motor is the engine that runs inside the sidecar, in this process: the program's side is the very client, worker and
// registry of production.
type motor struct {
	cliente  *workflow.Client
	ejecutor *grabador
	almacen  backend.Backend
}

// nuevoTrabajador connects a worker, with what registrar makes known, to an engine that runs only what it is told.
func nuevoTrabajador(t testing.TB, registrar func(r *workflow.Registry) error) *motor {
	t.Helper()
	almacen := sqlite.NewSqliteBackend(sqlite.NewSqliteOptions(""), callado{})
	ejecutor, servir := backend.NewGrpcExecutor(almacen, callado{}, backend.WithSkipWaitForInstanceStart())
	servidor, escucha := grpc.NewServer(), bufconn.Listen(1<<20)
	servir(servidor)
	go func() { _ = servidor.Serve(escucha) }() // it ends with Stop
	t.Cleanup(servidor.Stop)

	conexion, err := grpc.NewClient("passthrough:///motor", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return escucha.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conexion.Close() })
	registro := workflow.NewRegistry()
	if err := registrar(registro); err != nil {
		t.Fatal(err)
	}
	m := &motor{cliente: workflow.NewClientWithLogger(conexion, callado{}), almacen: almacen, ejecutor: &grabador{Executor: ejecutor}}
	ctx, parar := context.WithCancel(context.Background())
	t.Cleanup(parar)
	if err := m.cliente.StartWorker(ctx, registro); err != nil {
		t.Fatal(err)
	}
	return m
}

// nuevoMotor is a worker and an engine that runs by itself.
func nuevoMotor(t testing.TB, registrar func(r *workflow.Registry) error) *motor {
	t.Helper()
	m := nuevoTrabajador(t, registrar)
	flujos := backend.NewWorkflowWorker(backend.WorkflowWorkerOptions{Backend: m.almacen, Executor: m.ejecutor, Logger: callado{}, AppID: "prueba"})
	concentrador := backend.NewTaskHubWorker(m.almacen, flujos, backend.NewActivityTaskWorker(m.almacen, m.ejecutor, callado{}), callado{})
	if err := concentrador.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := concentrador.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m
}

func (m *motor) iniciar(t testing.TB, flujo, id string, e Entrada) {
	t.Helper()
	if _, err := m.cliente.ScheduleWorkflow(t.Context(), flujo, workflow.WithInstanceID(id), workflow.WithInput(e)); err != nil {
		t.Fatal(err)
	}
}

// terminar waits until an instance has ended, and requires that it ended well.
func (m *motor) terminar(t testing.TB, id string) {
	t.Helper()
	ctx, soltar := context.WithTimeout(t.Context(), time.Minute)
	defer soltar()
	for {
		estado, err := m.cliente.FetchWorkflowMetadata(ctx, id)
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if (*protos.WorkflowMetadata)(estado).GetRuntimeStatus() == protos.OrchestrationStatus_ORCHESTRATION_STATUS_COMPLETED {
			return
		}
		if api.WorkflowMetadataIsComplete((*protos.WorkflowMetadata)(estado)) {
			t.Fatalf("%s terminó %s: %v", id, estado.RuntimeStatus, estado.FailureDetails)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s no termina", id)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// corrida is one run of an instance: a ContinueAsNew begins another.
type corrida struct {
	eventos  []*protos.HistoryEvent   // as they were when the workflow ran for the last time
	acciones []*protos.WorkflowAction // and what it did then
}

// grabador keeps what the engine told the worker and what the worker answered.
type grabador struct {
	backend.Executor
	mu       sync.Mutex
	corridas map[api.InstanceID][]corrida
}

func (g *grabador) ExecuteWorkflow(ctx context.Context, id api.InstanceID, viejos, nuevos []*protos.HistoryEvent, o backend.ExecuteOptions) (*protos.WorkflowResponse, error) {
	respuesta, err := g.Executor.ExecuteWorkflow(ctx, id, viejos, nuevos, o)
	if err != nil {
		return nil, err
	}
	var ahora corrida
	for _, e := range append(viejos[:len(viejos):len(viejos)], nuevos...) {
		ahora.eventos = append(ahora.eventos, proto.Clone(e).(*protos.HistoryEvent))
	}
	for _, a := range respuesta.GetActions() {
		ahora.acciones = append(ahora.acciones, proto.Clone(a).(*protos.WorkflowAction))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.corridas == nil {
		g.corridas = map[api.InstanceID][]corrida{}
	}
	todas := g.corridas[id]
	if len(viejos) == 0 {
		todas = append(todas, ahora)
	} else {
		todas[len(todas)-1] = ahora
	}
	g.corridas[id] = todas
	return respuesta, nil
}

func (g *grabador) de(id string) []corrida {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.corridas[api.InstanceID(id)]
}

// callado is a logger for the engine, which tells more than a test wants to read.
type callado struct{}

func (callado) Debug(...any)          {}
func (callado) Debugf(string, ...any) {}
func (callado) Info(...any)           {}
func (callado) Infof(string, ...any)  {}
func (callado) Warn(...any)           {}
func (callado) Warnf(string, ...any)  {}
func (callado) Error(...any)          {}
func (callado) Errorf(string, ...any) {}
