// Command gestor-compra accepts purchases and runs the saga of each.
package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
	"entregas/internal/app"
	"entregas/internal/database"
	"entregas/internal/pubsub"
	"entregas/services/gestor-compra/admission"
	"entregas/services/gestor-compra/anchors"
	"entregas/services/gestor-compra/broadcast"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/engine"
	"entregas/services/gestor-compra/intake"
	"entregas/services/gestor-compra/messages"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/gestor-compra/reconciler"
	"entregas/services/gestor-compra/rest"
	"entregas/services/gestor-compra/saga"
	"entregas/workflows/compra"
)

const service = "gestor-compra"

type config struct {
	app.Config
	DatabaseURL          string                 `conf:"env:DATABASE_URL,required,mask,help:address of database gestor_compra" unit:"URL"`
	Migrations           database.MigrationMode `conf:"env:MIGRATIONS,default:apply,help:apply the migrations of the database; wait until a job applied them; or apply-and-exit as such a job"`
	Connections          int32                  `conf:"env:MAX_DATABASE_CONNECTIONS,default:20,help:connections to the database that one replica may open" unit:"connections"`
	Capacity             int                    `conf:"env:MAX_IN_FLIGHT,default:64,help:purchases in flight over all replicas; the others wait in the queue" unit:"purchases"`
	MaxPerCustomer       int                    `conf:"env:MAX_IN_FLIGHT_PER_CUSTOMER,default:0,help:of the purchases in flight those of one customer; 0 is half of MAX_IN_FLIGHT" unit:"purchases"`
	MaxOpen              int                    `conf:"env:MAX_OPEN_PER_CUSTOMER,default:100,help:purchases of one customer whose order has not left; a further one is refused; ordenes has MAX_OPEN_ORDENES" unit:"purchases"`
	DomicilioHeadStart   time.Duration          `conf:"env:DOMICILIO_ADVANTAGE,default:10m,help:how much older a purchase with home delivery counts in the queue"`
	Lease                time.Duration          `conf:"env:START_LEASE,default:30s,help:how long a replica has to start the workflow of a purchase that it took from the queue; then another one takes it"`
	AdmissionRound       time.Duration          `conf:"env:ADMISSION_EVERY,default:1s,help:how often to look for purchases to start; a new one and a free place are looked at at once"`
	Patience             time.Duration          `conf:"env:STEP_PATIENCE,default:5m,help:how long a step waits for its reply; then the purchase is rolled back"`
	AskAgainAfter        time.Duration          `conf:"env:ASK_AGAIN_AFTER,default:60s,help:how long a step waits before it sends its command again; each further wait is twice as long"`
	AprobacionThreshold  int                    `conf:"env:APPROVAL_THRESHOLD,default:100,help:a purchase of more units than this waits for the approval of an operator" unit:"units"`
	AprobacionDeadline   time.Duration          `conf:"env:APPROVAL_TIMEOUT,default:24h,help:how long a purchase waits for approval; then it is rolled back"`
	WantedStock          time.Duration          `conf:"env:WANTED_STOCK_TIMEOUT,default:15m,help:how long a purchase may still wait for approval once another was refused for want of the units that it holds"`
	CompensationDeadline time.Duration          `conf:"env:COMPENSATION_TIMEOUT,default:24h,help:how long a rollback is tried; then the purchase is FALLIDA and an operator must act"`
	ReconcileEvery       time.Duration          `conf:"env:RECONCILE_EVERY,default:15s,help:how often to look for workflows that stand still"`
	StalledAfter         time.Duration          `conf:"env:STALLED_AFTER,default:90s,help:how long a workflow may give no sign of life; then it is replaced"`
	MaxReplacements      int                    `conf:"env:MAX_REPLACEMENTS,default:10,help:replacements of the workflow of one purchase after which the purchase is FALLIDA" unit:"replacements"`
}

// places returns the limits of the admission. By default one customer may have half of the places, rounded up.
func (c config) places() compras.Places {
	perCustomer := c.MaxPerCustomer
	if perCustomer <= 0 {
		perCustomer = (c.Capacity + 1) / 2
	}
	return compras.Places{Total: c.Capacity, PerCustomer: perCustomer, HeadStart: c.DomicilioHeadStart, Lease: c.Lease}
}

// check returns an error where a purchase may take longer than what it did is remembered: each step of its saga may wait as long as its
// patience, and the last try of the rollback too.
func (c config) check() error {
	longest := time.Duration(len(compra.Saga())+1)*c.Patience + c.AprobacionDeadline + c.CompensationDeadline
	if longest > contracts.Retention {
		return fmt.Errorf("STEP_PATIENCE, APPROVAL_TIMEOUT and COMPENSATION_TIMEOUT let a purchase take %s, and its commands are remembered for %s", longest, contracts.Retention)
	}
	return nil
}

func main() {
	var cfg config
	app.Main(service, &cfg, &cfg.Config, func(ctx context.Context) error { return run(ctx, cfg) })
}

func run(ctx context.Context, cfg config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	pool, err := database.Open(ctx, cfg.DatabaseURL, cfg.Connections)
	if err != nil {
		return err
	}
	defer pool.Close()
	if proceed, err := cfg.Migrations.Apply(ctx, pool, postgres.Migrations); err != nil || !proceed {
		return err
	}
	if err := database.Measure(pool, postgres.Gauges...); err != nil {
		return err
	}
	sidecar, err := cfg.Sidecar(ctx)
	if err != nil {
		return err
	}
	defer sidecar.Close()

	store, publisher := postgres.New(pool), pubsub.NewPublisher(sidecar, service)
	worker := workflow.NewClient(sidecar.GrpcClientConn())
	workflowEngine := anchors.TraceEngine(engine.New(worker), store)
	broadcaster, wakeups := broadcast.New(store, publisher), postgres.NewWakeups(pool)
	sagaSettings := compra.Settings{AprobacionThreshold: cfg.AprobacionThreshold, AprobacionDeadline: cfg.AprobacionDeadline, CompensationDeadline: cfg.CompensationDeadline}
	admitter := admission.New(store, workflowEngine, admission.Settings{
		Places: cfg.places(), Round: cfg.AdmissionRound, Saga: sagaSettings,
	})
	search := reconciler.Settings{Quiet: cfg.StalledAfter, Every: cfg.ReconcileEvery, Limit: cfg.MaxReplacements, Saga: sagaSettings}
	if err := search.Check(); err != nil {
		return err
	}
	stalled := reconciler.New(store, workflowEngine, search)
	manager := intake.New(store, broadcaster, admitter, intake.Options{MaxOpen: cfg.MaxOpen, Admit: admitter.Notify, Reconcile: stalled.Tell, Approval: cfg.AprobacionDeadline, Wanted: cfg.WantedStock, Remove: workflowEngine.Remove})
	activities := saga.New(store, messages.Participants{Publisher: publisher}, wakeups, broadcaster, saga.Settings{
		Patience: cfg.Patience, AskAgainAfter: cfg.AskAgainAfter, ReviewRound: saga.LookEvery, RollbackDelay: cfg.Patience,
		AprobacionDeadline: cfg.AprobacionDeadline, WantedStock: cfg.WantedStock,
	}, admitter.Notify)
	registry := workflow.NewRegistry()
	if err := compra.Register(registry, anchors.Trace(saga.Measure(activities), store)); err != nil {
		return err
	}

	routes := cfg.Routes(map[string]app.Check{"the database": pool.Ping})
	rest.ServeRoutes(routes, manager, store)
	messages.Receive(pubsub.NewReceiver(routes, publisher, pubsub.NewAttempts(sidecar)), manager, store)

	var tasks sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer tasks.Wait() // before the pool and the sidecar are closed
	defer stop()       // an error ends run without a signal
	tasks.Go(func() { anchors.SendAgain(ctx, store) })
	tasks.Go(func() { wakeups.Listen(ctx) })
	tasks.Go(func() { broadcaster.Run(ctx) })
	if err := worker.StartWorker(ctx, registry); err != nil {
		return err
	}
	tasks.Go(func() { admitter.Run(ctx) })
	tasks.Go(func() { app.Repeat(ctx, admission.SweepEvery, "deliver decisions", admitter.Sweep) })
	tasks.Go(func() {
		app.Repeat(ctx, intake.ReleaseEvery, "release wanted units", func(ctx context.Context) error { return manager.ReleaseWanted(ctx, cfg.WantedStock) })
	})
	tasks.Go(func() { app.Repeat(ctx, postgres.FillCodigosEvery, "give codes to purchases", store.FillCodigos) })
	tasks.Go(func() { stalled.Run(ctx) })
	tasks.Go(func() { app.Repeat(ctx, postgres.PurgeEvery, "purge what is past its retention", store.Purge) })
	return cfg.ServeRoutes(ctx, routes)
}
