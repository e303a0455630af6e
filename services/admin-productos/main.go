// Command admin-productos owns the products and their stock: it reserves, releases and dispatches for purchases, and restocks.
package main

import (
	"context"
	"time"

	"entregas/internal/app"
	"entregas/internal/database"
	"entregas/internal/inbox"
	"entregas/internal/pubsub"
	"entregas/services/admin-productos/messages"
	"entregas/services/admin-productos/postgres"
	"entregas/services/admin-productos/reconciler"
	"entregas/services/admin-productos/rest"
)

const service = "admin-productos"

type config struct {
	app.Config
	DatabaseURL string                 `conf:"env:DATABASE_URL,required,mask,help:address of database productos" unit:"URL"`
	Migrations  database.MigrationMode `conf:"env:MIGRATIONS,default:apply,help:apply the migrations of the database; wait until a job applied them; or apply-and-exit as such a job"`
	Connections int32                  `conf:"env:MAX_DATABASE_CONNECTIONS,default:16,help:connections to the database that one replica may open" unit:"connections"`
	Delay       float64                `conf:"env:DELAY,default:0,help:time that each reservation takes longer on purpose; for the scenarios" unit:"seconds"`
	Handlers    int                    `conf:"env:MAX_CONCURRENT_RESERVATIONS,default:0,help:reservations that one replica works on at once; 0 is no limit" unit:"reservations"`

	ReconcileEvery time.Duration `conf:"env:RECONCILE_EVERY,default:1m,help:how often to look for reservations of purchases that ended in another way"`
	OrphanAge      time.Duration `conf:"env:ORPHANED_AFTER,default:10m,help:age from which such a reservation is looked at"`
}

func main() {
	var cfg config
	app.Main(service, &cfg, &cfg.Config, func(ctx context.Context) error { return run(ctx, cfg) })
}

func run(ctx context.Context, cfg config) error {
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

	store := postgres.New(pool)
	publisher := pubsub.NewPublisher(sidecar, service)
	routes := cfg.Routes(map[string]app.Check{"the database": pool.Ping})
	receiver := pubsub.NewReceiver(routes, publisher, inbox.NewAttempts(pool))
	pace := messages.NewPace(time.Duration(cfg.Delay*float64(time.Second)), cfg.Handlers)
	messages.Receive(receiver, publisher, store, pace)
	rest.ServeRoutes(routes, store, store, store)

	go app.Repeat(ctx, inbox.PurgeEvery, "purge what is past its retention", store.Purge)
	orphans := reconciler.New(store, reconciler.NewManager(cfg.DaprHTTP, cfg.DaprToken), cfg.OrphanAge)
	go app.Repeat(ctx, cfg.ReconcileEvery, "release orphaned reservations", orphans.Inspect)
	return cfg.ServeRoutes(ctx, routes)
}
