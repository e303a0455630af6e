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
	"entregas/internal/app"
	"entregas/internal/database"
	"entregas/internal/databasetest"
	"entregas/services/gestor-compra/reconciler"
)

// workflowEngine is a workflow engine that answers and never has work.
type workflowEngine struct {
	protos.UnimplementedTaskHubSidecarServiceServer
}

func (workflowEngine) Hello(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (workflowEngine) GetWorkItems(_ *protos.GetWorkItemsRequest, s protos.TaskHubSidecarService_GetWorkItemsServer) error {
	<-s.Context().Done()
	return nil
}

// Failure prevented: a program whose port is taken, or whose sidecar has no workflow engine, neither runs nor ends. Its tasks
// wait for a signal that does not come, and the error is never logged.
func TestWhatDoesNotStartEnds(t *testing.T) {
	for name, c := range map[string]struct {
		withEngine bool
		says       string
	}{
		"the port is taken":  {true, "listen"},
		"there is no engine": {false, "task hub"},
	} {
		t.Run(name, func(t *testing.T) {
			sidecar, taken := listen(t), listen(t)
			server := grpc.NewServer()
			if c.withEngine {
				protos.RegisterTaskHubSidecarServiceServer(server, workflowEngine{})
			}
			go func() { _ = server.Serve(sidecar) }() // it ends with the test
			t.Cleanup(server.Stop)
			cfg := config{
				Config:      app.Config{Address: "127.0.0.1", Port: portOf(taken), DaprGRPC: strconv.Itoa(portOf(sidecar))},
				DatabaseURL: databasetest.New(t, nil).Config().ConnString(), Migrations: database.ApplyAndRun, Connections: 5, Capacity: 1,
				AdmissionRound: time.Minute, ReconcileEvery: time.Minute, StalledAfter: time.Minute,
			}
			end := make(chan error, 1)
			go func() { end <- run(t.Context(), cfg) }()
			select {
			case err := <-end:
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("it ended with %v", err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("it still runs")
			}
		})
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// The defaults of the settings agree with each other, and with the constants of the package contracts.
func TestTheDefaultsAgree(t *testing.T) {
	for _, required := range []string{"DATABASE_URL", "APP_PORT", "DAPR_GRPC_PORT", "DAPR_HTTP_PORT"} {
		t.Setenv(required, "1")
	}
	var cfg config
	if _, err := conf.Parse("", &cfg); err != nil {
		t.Fatal(err)
	}
	if cfg.AprobacionThreshold != contracts.ApprovalThreshold || cfg.MaxOpen != contracts.MaxOpen {
		t.Errorf("APPROVAL_THRESHOLD is %d and MAX_OPEN_PER_CUSTOMER %d; contracts has %d and %d", cfg.AprobacionThreshold, cfg.MaxOpen, contracts.ApprovalThreshold, contracts.MaxOpen)
	}
	if err := (reconciler.Settings{Quiet: cfg.StalledAfter}).Check(); err != nil {
		t.Error(err)
	}
	if cfg.AskAgainAfter >= cfg.Patience {
		t.Errorf("ASK_AGAIN_AFTER is %s: a step would never ask again within STEP_PATIENCE, %s", cfg.AskAgainAfter, cfg.Patience)
	}
	if cfg.Lease >= cfg.StalledAfter {
		t.Errorf("START_LEASE is %s: a purchase would stand still by STALLED_AFTER, %s, before it is given out again", cfg.Lease, cfg.StalledAfter)
	}
}

// The longest purchase ends before its commands are forgotten.
func TestAPurchaseEndsInTime(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		patience, approval, compensation time.Duration
		good                             bool
	}{
		{5 * time.Minute, day, day, true},
		{5 * time.Minute, 7 * day, 7 * day, true},
		{4 * day, 7 * day, 7 * day, true},
		{5 * day, 7 * day, 7 * day, false},
	} {
		if err := (config{Patience: c.patience, AprobacionDeadline: c.approval, CompensationDeadline: c.compensation}).check(); (err == nil) != c.good {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
