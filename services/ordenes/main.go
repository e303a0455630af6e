// Command ordenes owns the orders: it creates, cancels and dispatches them.
package main

import (
	"context"
	"time"

	"entregas/internal/app"
	"entregas/internal/database"
	"entregas/internal/inbox"
	"entregas/internal/pubsub"
	"entregas/services/ordenes/messages"
	"entregas/services/ordenes/postgres"
	"entregas/services/ordenes/rest"
)

const service = "ordenes"

type config struct {
	app.Config
	DatabaseURL string                 `conf:"env:DATABASE_URL,required,mask,help:address of database ordenes" unit:"URL"`
	Migrations  database.MigrationMode `conf:"env:MIGRATIONS,default:apply,help:apply the migrations of the database; wait until a job applied them; or apply-and-exit as such a job"`
	Connections int32                  `conf:"env:MAX_DATABASE_CONNECTIONS,default:16,help:connections to the database that one replica may open" unit:"connections"`
	MaxOpen     int                    `conf:"env:MAX_OPEN_ORDENES,default:100,help:orders of one customer that may be open; a further one is refused" unit:"orders"`
	SweepEvery  time.Duration          `conf:"env:REPUBLISH_EVERY,default:5s,help:how often an event that could not be published is tried again"`
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

	store := postgres.New(pool, cfg.MaxOpen)
	publisher := pubsub.NewPublisher(sidecar, service)
	routes := cfg.Routes(map[string]app.Check{"the database": pool.Ping})
	messages.Receive(pubsub.NewReceiver(routes, publisher, inbox.NewAttempts(pool)), publisher, store)
	publish := messages.Publisher(publisher)
	rest.ServeRoutes(routes, store, publish)

	go app.Repeat(ctx, inbox.PurgeEvery, "purge the inbox", func(ctx context.Context) error { return inbox.Purge(ctx, pool) })
	go app.Repeat(ctx, cfg.SweepEvery, "publish the outbox", func(ctx context.Context) error { return store.Sweep(ctx, publish) })
	return cfg.ServeRoutes(ctx, routes)
}
