// Command monitor measures the queues of the broker, for operators and for the scalers of the consumers, and handles the dead
// letters.
package main

import (
	"context"
	"time"

	"entregas/internal/app"
	"entregas/internal/telemetry"
	"entregas/services/monitor/actos"
	"entregas/services/monitor/pulsar"
	"entregas/services/monitor/queues"
	"entregas/services/monitor/rest"
)

const service = "monitor"

type config struct {
	app.Config
	Pulsar string `conf:"env:PULSAR_ADMIN,default:http://127.0.0.1:8080,help:administrative interface of the broker" unit:"URL"`
	Broker string `conf:"env:PULSAR_URL,default:pulsar://127.0.0.1:6650,help:address of the broker itself; for dead letters" unit:"URL"`
	Token  string `conf:"env:PULSAR_TOKEN,mask,help:token for a broker that asks for one"`
}

func main() {
	var cfg config
	app.Main(service, &cfg, &cfg.Config, func(ctx context.Context) error { return run(ctx, cfg) })
}

// lookEvery is how often the queues are searched for messages that no sidecar can deliver to its program.
const lookEvery = 5 * time.Second

// run is ready without the broker: monitor must report a broker that is down.
func run(ctx context.Context, cfg config) error {
	broker := pulsar.New(cfg.Pulsar, cfg.Token)
	deadLetters, err := pulsar.NewDeadLetters(cfg.Broker, cfg.Token, broker)
	if err != nil {
		return err
	}
	defer deadLetters.Close()
	history := queues.NewHistory(broker)
	go app.Repeat(ctx, queues.Every, "read the queues", history.Look)
	go app.Repeat(ctx, lookEvery, "find undecodable messages", deadLetters.Watch)
	sidecar, err := cfg.Sidecar(ctx)
	if err != nil {
		return err
	}
	defer sidecar.Close()
	routes := cfg.Routes(nil)
	telemetry.Registry().MustRegister(rest.NewMetrics(broker, history, deadLetters))
	rest.ServeAPI(routes, history, deadLetters, actos.NewLog(sidecar))
	return cfg.ServeRoutes(ctx, routes)
}
