// Command consolidador says whether a purchase can be served from the present stock.
package main

import (
	"context"

	"entregas/services/consolidador/mensajes"
	"entregas/services/consolidador/postgres"
	"entregas/services/internal/arranque"
	"entregas/services/internal/base"
	"entregas/services/internal/pubsub"
)

const servicio = "consolidador"

type config struct {
	arranque.Config
	BaseDatos  string `conf:"env:DATABASE_URL,required,mask,help:address of database productos for a role that only reads" unit:"URL"`
	Conexiones int32  `conf:"env:MAX_DATABASE_CONNECTIONS,default:8,help:connections to the database that one replica may open" unit:"connections"`
}

func main() {
	var cfg config
	arranque.Main(servicio, &cfg, &cfg.Config, func(ctx context.Context) error { return run(ctx, cfg) })
}

func run(ctx context.Context, cfg config) error {
	pool, err := base.Abrir(ctx, cfg.BaseDatos, cfg.Conexiones)
	if err != nil {
		return err
	}
	defer pool.Close()
	sidecar, err := cfg.Sidecar(ctx)
	if err != nil {
		return err
	}
	defer sidecar.Close()

	publicador := pubsub.NuevoPublicador(sidecar, servicio)
	rutas := cfg.Rutas(map[string]arranque.Comprobacion{"la base de datos": pool.Ping})
	receptor := pubsub.NuevoReceptor(rutas, publicador, pubsub.NuevosIntentos(sidecar))
	mensajes.Recibir(receptor, publicador, postgres.Nuevo(pool))
	return cfg.Servir(ctx, rutas)
}
