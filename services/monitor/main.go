// Command monitor tells how far every queue is behind, so that consumers scale on it.
package main

import (
	"context"
	"time"

	"entregas/services/internal/arranque"
	"entregas/services/monitor/colas"
	"entregas/services/monitor/pulsar"
	"entregas/services/monitor/rest"
)

const servicio = "monitor"

type config struct {
	arranque.Config
	Pulsar string `conf:"env:PULSAR_ADMIN,default:http://127.0.0.1:8080,help:administrative interface of the broker" unit:"URL"`
	Broker string `conf:"env:PULSAR_URL,default:pulsar://127.0.0.1:6650,help:address of the broker itself; for dead letters" unit:"URL"`
	Token  string `conf:"env:PULSAR_TOKEN,mask,help:token for a broker that asks for one"`
}

func main() {
	var cfg config
	arranque.Main(servicio, &cfg, &cfg.Config, func(ctx context.Context) error { return run(ctx, cfg) })
}

// lookEvery is how often the queues are searched for messages that no sidecar can hand to its program.
const lookEvery = 5 * time.Second

// run needs no broker to be ready: that the broker is down is what monitor is there to tell.
func run(ctx context.Context, cfg config) error {
	broker := pulsar.Nuevo(cfg.Pulsar, cfg.Token)
	muertos, err := pulsar.NuevosMuertos(cfg.Broker, cfg.Token, broker)
	if err != nil {
		return err
	}
	defer muertos.Cerrar()
	historial := colas.NuevoHistorial(broker)
	go arranque.Repetir(ctx, colas.Cada, "mirar las colas", historial.Mirar)
	go arranque.Repetir(ctx, lookEvery, "buscar lo que nadie puede leer", muertos.Watch)
	rutas := cfg.Rutas(nil, "/metrics")
	rest.Servir(rutas, broker, historial, muertos)
	rest.ServeAPI(rutas, historial, muertos)
	return cfg.Servir(ctx, rutas)
}
