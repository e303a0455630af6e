package main

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ardanlabs/conf/v3"
	"github.com/dapr/durabletask-go/api/protos"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"entregas/contracts"
	"entregas/services/gestor-compra/reconciliacion"
	"entregas/services/internal/arranque"
	"entregas/services/internal/base"
	"entregas/services/internal/basetest"
)

// motor is a workflow engine that is there and has no work.
type motor struct {
	protos.UnimplementedTaskHubSidecarServiceServer
}

func (motor) Hello(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (motor) GetWorkItems(_ *protos.GetWorkItemsRequest, s protos.TaskHubSidecarService_GetWorkItemsServer) error {
	<-s.Context().Done()
	return nil
}

// Failure prevented: a program whose port is taken, or whose sidecar has no workflow engine, neither runs nor ends. Its tasks
// wait for a stop that nobody sends, and so the error is never told.
func TestLoQueNoArrancaTermina(t *testing.T) {
	for nombre, c := range map[string]struct {
		conMotor bool
		dice     string
	}{
		"the port is taken":  {true, "servir"},
		"there is no engine": {false, "task hub"},
	} {
		t.Run(nombre, func(t *testing.T) {
			sidecar, tomado := escuchar(t), escuchar(t)
			servidor := grpc.NewServer()
			if c.conMotor {
				protos.RegisterTaskHubSidecarServiceServer(servidor, motor{})
			}
			go func() { _ = servidor.Serve(sidecar) }() // it ends with the test
			t.Cleanup(servidor.Stop)
			cfg := config{
				Config:    arranque.Config{Direccion: "127.0.0.1", Puerto: puertoDe(tomado), DaprGRPC: strconv.Itoa(puertoDe(sidecar))},
				BaseDatos: basetest.Nueva(t, nil).Config().ConnString(), Esquema: base.Alzar, Conexiones: 5, Cupo: 1,
				VueltaAdmision: time.Minute, ReconcileEvery: time.Minute, StalledAfter: time.Minute,
			}
			fin := make(chan error, 1)
			go func() { fin <- run(t.Context(), cfg) }()
			select {
			case err := <-fin:
				if err == nil || !strings.Contains(err.Error(), c.dice) {
					t.Errorf("terminó con %v", err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("sigue ahí")
			}
		})
	}
}

func escuchar(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func puertoDe(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// The defaults of the settings go with each other, and with what others know of them.
func TestTheDefaultsAgree(t *testing.T) {
	for _, required := range []string{"DATABASE_URL", "APP_PORT", "DAPR_GRPC_PORT", "DAPR_HTTP_PORT"} {
		t.Setenv(required, "1")
	}
	var cfg config
	if _, err := conf.Parse("", &cfg); err != nil {
		t.Fatal(err)
	}
	if cfg.UmbralAprobacion != contracts.ApprovalThreshold || cfg.MaxOpen != contracts.MaxOpen {
		t.Errorf("APPROVAL_THRESHOLD is %d and MAX_OPEN_PER_CUSTOMER %d; contracts has %d and %d", cfg.UmbralAprobacion, cfg.MaxOpen, contracts.ApprovalThreshold, contracts.MaxOpen)
	}
	if err := (reconciliacion.Settings{Quiet: cfg.StalledAfter}).Check(); err != nil {
		t.Error(err)
	}
	if cfg.Insistencia >= cfg.Paciencia {
		t.Errorf("ASK_AGAIN_AFTER is %s: a step would never ask again within STEP_PATIENCE, %s", cfg.Insistencia, cfg.Paciencia)
	}
	if cfg.Arriendo >= cfg.StalledAfter {
		t.Errorf("START_LEASE is %s: a purchase would stand still by STALLED_AFTER, %s, before it is given out again", cfg.Arriendo, cfg.StalledAfter)
	}
}
