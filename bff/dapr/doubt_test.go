package dapr_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	runtimev1pb "github.com/dapr/dapr/pkg/proto/runtime/v1"
	sdk "github.com/dapr/go-sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"entregas/bff/compras"
	"entregas/bff/dapr"
	"entregas/bff/memory"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/internal/rest"
)

// Only a call that never reached a sidecar certainly did nothing. A call that was sent and not answered is in doubt, whatever
// status the sidecar answers.
func TestInDoubt(t *testing.T) {
	g := newManager(t)
	closed := newManager(t)
	nobody := daprPort(t, closed.Server)
	closed.Close()
	sent := imitation(t, g)
	for _, c := range []struct {
		name  string
		port  string
		says  http.HandlerFunc
		doubt bool
	}{
		{"no sidecar", nobody, nil, false},
		{"the sidecar's 500", sent, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, true},
		{"the sidecar's 504", sent, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGatewayTimeout) }, true},
		{"an answer that is cut", sent, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"id":`)) }, true},
		{"a connection that is cut", sent, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true},
		{"its database is away", sent, func(w http.ResponseWriter, r *http.Request) { errorOf(w, r, errs.Unavailable) }, true},
		{"it says no", sent, func(w http.ResponseWriter, r *http.Request) { errorOf(w, r, errs.Conflict) }, false},
	} {
		if c.says != nil {
			g.says(c.says)
		}
		_, err := dapr.Manager{Service: dapr.NewService(g.app, c.port, "")}.Aprobar(t.Context(), "una", true, "")
		if err == nil || compras.InDoubt(err) != c.doubt {
			t.Errorf("%s: in doubt %v: %v", c.name, compras.InDoubt(err), err)
		}
	}
}

// A publish certainly had no effect only if the sidecar refused the publish before it called the broker, or if there was no
// sidecar. A later failure is in doubt: the broker may have acknowledged the message.
func TestPublishInDoubt(t *testing.T) {
	for _, c := range []struct {
		name  string
		says  error // nil cuts the connection
		gone  bool  // the sidecar stops before the publish
		doubt bool
	}{
		{"the record is none", status.Error(codes.InvalidArgument, "x"), false, false},
		{"there is no such topic", status.Error(codes.NotFound, "x"), false, false},
		{"there is no component", status.Error(codes.FailedPrecondition, "x"), false, false},
		{"it may not", status.Error(codes.PermissionDenied, "x"), false, false},
		{"the broker failed", status.Error(codes.Internal, "x"), false, true},
		{"something else", status.Error(codes.Unknown, "x"), false, true},
		{"out of time", status.Error(codes.DeadlineExceeded, "x"), false, true},
		{"the sidecar says unavailable", status.Error(codes.Unavailable, "x"), false, true},
		{"the connection is cut", nil, false, true},
		{"no sidecar", nil, true, false},
	} {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer()
		broker := publisher{says: c.says, cut: func() { go server.Stop() }}
		runtimev1pb.RegisterDaprServer(server, &broker)
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(server.Stop)
		client, err := sdk.NewClientWithAddressContext(t.Context(), listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		if c.gone {
			server.Stop()
		}
		commands := dapr.Commands{Publisher: pubsub.NewPublisher(client, "bff")}
		publish := func() error {
			return commands.CrearCompra(t.Context(), contracts.SolicitudCompra{
				ID: "01938f5e-7c1a-7000-8000-000000000001", IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}},
			})
		}
		if c.gone { // the client first notices that the connection is gone
			soon(t, "no connection", func() bool { return errors.Is(publish(), compras.ErrNotDone) })
		}
		err = publish()
		if err == nil || compras.InDoubt(err) != c.doubt || errors.Is(err, compras.ErrNotDone) == c.doubt {
			t.Errorf("%s: in doubt %v: %v", c.name, compras.InDoubt(err), err)
		}
	}
}

// publisher is a sidecar that answers each publish with the error says, or closes the connection if says is nil.
type publisher struct {
	runtimev1pb.UnimplementedDaprServer
	says error
	cut  func()
}

func (p *publisher) PublishEvent(ctx context.Context, _ *runtimev1pb.PublishEventRequest) (*emptypb.Empty, error) {
	if p.says == nil {
		p.cut()
		<-ctx.Done()
	}
	return &emptypb.Empty{}, p.says
}

// The answer to a write that was done is never refused for lack of memory. If the answer is too long, its error says that the
// write was done.
func TestTheAnswerToAWriteIsNotRefused(t *testing.T) {
	g := newManager(t)
	g.says(func(w http.ResponseWriter, _ *http.Request) {
		rest.Write(w, http.StatusOK, contracts.Aceptada{ID: strings.Repeat("a", 500)})
	})
	orders := dapr.Manager{Service: dapr.NewService(g.app, imitation(t, g), "")}
	for length, want := range map[int64]string{100_000: "", 100: "se hizo"} {
		pool := memory.New(memory.Limits{Total: 400, Answer: length})
		for _, asker := range []string{"a", "b", "c", "d"} {
			if err := pool.Lease(asker).Take(100); err != nil {
				t.Fatal(err)
			}
		}
		ctx := memory.With(t.Context(), pool.Lease("e"))
		_, err := orders.Aprobar(ctx, "una", true, "")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("a write: %v, want %q", err, want)
		}
		if _, err := orders.Load(ctx, "una"); err == nil {
			t.Error("a read was answered without room")
		}
	}
}

func errorOf(w http.ResponseWriter, r *http.Request, code errs.Code) {
	rest.WriteError(w, r, errs.New(code, "x"))
}
