// Command admin-productos owns the products and their stock: it reserves, releases and dispatches for purchases, and restocks.
package main

import (
	"context"
	"time"

	"entregas/services/admin-productos/mensajes"
	"entregas/services/admin-productos/postgres"
	"entregas/services/admin-productos/reconciliacion"
	"entregas/services/admin-productos/rest"
	"entregas/services/internal/arranque"
	"entregas/services/internal/base"
	"entregas/services/internal/inbox"
	"entregas/services/internal/pubsub"
)

const servicio = "admin-productos"

type config struct {
	arranque.Config
	BaseDatos   string       `conf:"env:DATABASE_URL,required,mask,help:address of database productos" unit:"URL"`
	Esquema     base.Esquema `conf:"env:MIGRATIONS,default:apply,help:apply the migrations of the database; wait until a job applied them; or apply-and-exit as such a job"`
	Conexiones  int32        `conf:"env:MAX_DATABASE_CONNECTIONS,default:16,help:connections to the database that one replica may open" unit:"connections"`
	Demora      float64      `conf:"env:DELAY,default:0,help:time that each reservation takes longer on purpose; for the scenarios" unit:"seconds"`
	Manejadores int          `conf:"env:MAX_CONCURRENT_RESERVATIONS,default:0,help:reservations that one replica works on at once; 0 is no limit" unit:"reservations"`

	Reconciliacion time.Duration `conf:"env:RECONCILE_EVERY,default:1m,help:how often to look for reservations of purchases that ended in another way"`
	Huerfana       time.Duration `conf:"env:ORPHANED_AFTER,default:10m,help:age from which such a reservation is looked at"`
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

	almacen := postgres.Nuevo(pool)
	publicador := pubsub.NuevoPublicador(sidecar, servicio)
	rutas := cfg.Rutas(map[string]arranque.Comprobacion{"la base de datos": pool.Ping})
	receptor := pubsub.NuevoReceptor(rutas, publicador, inbox.NuevosIntentos(pool))
	ritmo := mensajes.NuevoRitmo(time.Duration(cfg.Demora*float64(time.Second)), cfg.Manejadores)
	mensajes.Recibir(receptor, publicador, almacen, ritmo)
	rest.Servir(rutas, almacen)

	go arranque.Repetir(ctx, inbox.PurgeEvery, "purgar lo viejo", func(ctx context.Context) error { return inbox.Purgar(ctx, pool) })
	reconciliador := reconciliacion.Nuevo(almacen, reconciliacion.NuevoGestor(cfg.DaprHTTP, cfg.TokenDapr), cfg.Huerfana)
	go arranque.Repetir(ctx, cfg.Reconciliacion, "reconciliar", reconciliador.Revisar)
	return cfg.Servir(ctx, rutas)
}
