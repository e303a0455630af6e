// Command consolidador checks whether the present stock is enough for a purchase.
package main

import (
	"context"

	"entregas/internal/app"
	"entregas/internal/database"
	"entregas/internal/pubsub"
	"entregas/services/consolidador/messages"
	"entregas/services/consolidador/postgres"
)

const service = "consolidador"

type config struct {
	app.Config
	DatabaseURL string `conf:"env:DATABASE_URL,required,mask,help:address of database productos for a role that only reads" unit:"URL"`
	Connections int32  `conf:"env:MAX_DATABASE_CONNECTIONS,default:8,help:connections to the database that one replica may open" unit:"connections"`
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
	sidecar, err := cfg.Sidecar(ctx)
	if err != nil {
		return err
	}
	defer sidecar.Close()

	publisher := pubsub.NewPublisher(sidecar, service)
	routes := cfg.Routes(map[string]app.Check{"the database": pool.Ping})
	receiver := pubsub.NewReceiver(routes, publisher, pubsub.NewAttempts(sidecar))
	messages.Receive(receiver, publisher, postgres.New(pool))
	return cfg.ServeRoutes(ctx, routes)
}
