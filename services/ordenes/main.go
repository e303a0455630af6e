// Command ordenes owns the orders: it creates and cancels them for purchases, and dispatches them.
package main

import (
	"context"
	"time"

	"entregas/services/internal/arranque"
	"entregas/services/internal/base"
	"entregas/services/internal/inbox"
	"entregas/services/internal/pubsub"
	"entregas/services/ordenes/mensajes"
	"entregas/services/ordenes/postgres"
	"entregas/services/ordenes/rest"
)

const servicio = "ordenes"

type config struct {
	arranque.Config
	BaseDatos   string        `conf:"env:DATABASE_URL,required,mask,help:address of database ordenes" unit:"URL"`
	Esquema     base.Esquema  `conf:"env:MIGRATIONS,default:apply,help:apply the migrations of the database; wait until a job applied them; or apply-and-exit as such a job"`
	Conexiones  int32         `conf:"env:MAX_DATABASE_CONNECTIONS,default:16,help:connections to the database that one replica may open" unit:"connections"`
	MaxAbiertas int           `conf:"env:MAX_OPEN_ORDENES,default:100,help:orders of one customer that may be open; a further one is refused" unit:"orders"`
	Barrido     time.Duration `conf:"env:REPUBLISH_EVERY,default:5s,help:how often an event that could not be published is tried again"`
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
	if sigue, err := cfg.Esquema.Poner(ctx, pool, postgres.Migraciones); err != nil || !sigue {
		return err
	}
	sidecar, err := cfg.Sidecar(ctx)
	if err != nil {
		return err
	}
	defer sidecar.Close()

	almacen := postgres.Nuevo(pool, cfg.MaxAbiertas)
	publicador := pubsub.NuevoPublicador(sidecar, servicio)
	rutas := cfg.Rutas(map[string]arranque.Comprobacion{"la base de datos": pool.Ping})
	mensajes.Recibir(pubsub.NuevoReceptor(rutas, publicador, inbox.NuevosIntentos(pool)), publicador, almacen)
	publicar := mensajes.Publicador(publicador)
	rest.Servir(rutas, almacen, publicar)

	go arranque.Repetir(ctx, inbox.PurgeEvery, "purgar lo viejo", func(ctx context.Context) error { return inbox.Purgar(ctx, pool) })
	go arranque.Repetir(ctx, cfg.Barrido, "publicar lo pendiente", func(ctx context.Context) error { return almacen.Barrer(ctx, publicar) })
	return cfg.Servir(ctx, rutas)
}
