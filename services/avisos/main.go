// Command avisos tells others: it delivers each change of a purchase to the addresses that operators gave, tells customers that a product
// is back, and writes to customers by e-mail.
package main

import (
	"context"
	"sync"
	"time"

	"entregas/internal/app"
	"entregas/internal/database"
	"entregas/internal/inbox"
	"entregas/internal/pubsub"
	"entregas/services/avisos/avisos"
	"entregas/services/avisos/correo"
	"entregas/services/avisos/deliveries"
	"entregas/services/avisos/messages"
	"entregas/services/avisos/postgres"
	"entregas/services/avisos/rest"
	"entregas/services/avisos/stock"
	"entregas/services/avisos/webhook"
)

const service = "avisos"

type config struct {
	app.Config
	DatabaseURL string                 `conf:"env:DATABASE_URL,required,mask,help:address of database avisos" unit:"URL"`
	Migrations  database.MigrationMode `conf:"env:MIGRATIONS,default:apply,help:apply the migrations of the database; wait until a job applied them; or apply-and-exit as such a job"`
	Connections int32                  `conf:"env:MAX_DATABASE_CONNECTIONS,default:8,help:connections to the database that one replica may open" unit:"connections"`
	Loopback    bool                   `conf:"env:ALLOW_LOOPBACK,default:false,help:deliver also to the loopback and without TLS; for development and tests"`
	Every       time.Duration          `conf:"env:DELIVER_EVERY,default:1s,help:how often to look for deliveries that are due"`
	Most        int                    `conf:"env:MAX_TRIES_PER_ADDRESS,default:4,help:tries to deliver to one address that may be under way" unit:"tries"`
	Timeout     time.Duration          `conf:"env:DELIVERY_TIMEOUT,default:15s,help:how long one try to deliver may take"`
	Plan        []time.Duration        `conf:"env:RETRY_PLAN,default:5s;5m;30m;2h;5h;10h;14h;20h;24h,help:pause after each failed try to deliver; after one more failure the delivery is given up; that of a paused address after all the pauses together"`
	StockEvery  time.Duration          `conf:"env:LOOK_AT_STOCK_EVERY,default:5s,help:how often to look at the stock of the products for which customers wait; at least 100ms"`
	Mail        string                 `conf:"env:MAIL_BINDING,help:name of the output binding that sends e-mail; without it none is sent"`
	MailPlan    []time.Duration        `conf:"env:MAIL_RETRY_PLAN,default:5s;1m;10m;1h;6h;24h,help:pause after each failed try to send a mail; after one more failure it is given up: news that is two days old is none"`
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
	sender := webhook.NewSender(webhook.Options{Timeout: cfg.Timeout, Loopback: cfg.Loopback})
	deliverer := deliveries.New(store, sender, deliveries.Settings{Plan: cfg.Plan, Every: cfg.Every, Most: cfg.Most, Timeout: cfg.Timeout})
	publisher := pubsub.NewPublisher(sidecar, service) // of dead letters
	routes := cfg.Routes(map[string]app.Check{"the database": pool.Ping})
	productos := stock.NewClient(cfg.DaprHTTP, cfg.DaprToken)
	wake := messages.Wake{Deliveries: deliverer.Wake}
	mail := rest.Mail{Correos: store}
	var mailer *correo.Mailer
	if cfg.Mail != "" {
		mailer = correo.NewMailer(store, correo.Binding{Sidecar: sidecar, Name: cfg.Mail}, productos, cfg.MailPlan)
		wake.Mails, mail.Wake = mailer.Wake, mailer.Wake
	}
	messages.Receive(pubsub.NewReceiver(routes, publisher, inbox.NewAttempts(pool)), store, wake)
	rest.ServeRoutes(routes, store, store, store, rest.Webhooks{CheckURL: sender.CheckURL, NewSecreto: webhook.NewSecreto, Wake: deliverer.Wake}, mail)

	go app.Repeat(ctx, postgres.PurgeEvery, "purge the deliveries", store.Purge)
	go app.Repeat(ctx, pauseEvery, "pause addresses that do not receive", func(ctx context.Context) error { return store.PauseOverfull(ctx, avisos.MaxPendientes) })
	go app.Repeat(ctx, pauseEvery, "give up deliveries of paused addresses", func(ctx context.Context) error { return store.Expire(ctx, avisos.Plan(cfg.Plan).Period()) })
	go app.Repeat(ctx, max(cfg.StockEvery, leastPause), "look at the stock of wished products", stock.New(store, productos, wake.Mails).Look)
	var senders sync.WaitGroup
	senders.Go(func() { deliverer.Run(ctx) })
	if mailer != nil {
		senders.Go(func() { mailer.Run(ctx) })
	}
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		senders.Wait()
	}()
	err = cfg.ServeRoutes(ctx, routes)
	select {
	case <-delivered:
	case <-time.After(lastResults):
	}
	return err
}

const (
	// pauseEvery is how often to look for addresses with too many deliveries to make, and for deliveries that their paused addresses do not get in time.
	pauseEvery = time.Minute
	// leastPause is the least pause between two looks at the stock, whatever the setting says.
	leastPause = 100 * time.Millisecond
	// lastResults is how long a stop waits for the results of tries to be stored.
	lastResults = 5 * time.Second
)
