// Command bff is the public door: REST, GraphQL and live streams over the services behind it.
package main

import (
	"context"
	"log/slog"
	"time"

	"entregas/services/bff/acceso"
	"entregas/services/bff/borde"
	"entregas/services/bff/compras"
	"entregas/services/bff/dapr"
	"entregas/services/internal/arranque"
	"entregas/services/internal/pubsub"
)

const servicio = "bff"

type config struct {
	Comun                    arranque.Config
	Modo                     mode          `conf:"env:MODE,default:production,help:production or development; development serves an issuer that believes everybody and leaves /v1 open"`
	Emisor                   string        `conf:"env:OIDC_ISSUER,required,help:issuer of the tokens that the bff takes; in development its own address and /desarrollo" unit:"URL"`
	ClaveEmisor              string        `conf:"env:OIDC_DEVELOPMENT_KEY_FILE,help:secret from which every replica makes the key of the development issuer; empty makes a key that ends with the process" unit:"file"`
	Audiencia                string        `conf:"env:OIDC_AUDIENCE,default:entregas,help:audience (claim aud) that a token must name"`
	Cliente                  string        `conf:"env:OIDC_CLIENT_ID,default:entregas-paginas,help:client id of the pages with the issuer"`
	Secreto                  string        `conf:"env:OIDC_CLIENT_SECRET,mask,help:client secret of the pages with the issuer; empty for a public client"`
	Roles                    string        `conf:"env:OIDC_ROLES,default:roles,help:claim that holds the roles of a token; a path has dots"`
	Publica                  string        `conf:"env:PUBLIC_URL,help:address of the bff as browsers see it; in development empty takes the address of each request" unit:"URL"`
	Origenes                 []string      `conf:"env:CORS_ORIGINS,help:origins of other pages that may send requests"`
	GraphiQL                 bool          `conf:"env:GRAPHIQL,default:true,help:the bff serves GraphiQL and the GraphQL explorer"`
	Introspeccion            bool          `conf:"env:INTROSPECTION,default:true,help:GraphQL answers queries about its schema; in development only"`
	PorSujeto                float64       `conf:"env:SUBJECT_RATE,default:50,help:rate of one subject over which its requests get 429; 0 is no limit" unit:"requests a second"`
	DeGolpe                  int           `conf:"env:SUBJECT_BURST,default:100,help:requests of one subject that may come at once before SUBJECT_RATE holds" unit:"requests"`
	PorDireccion             float64       `conf:"env:ADDRESS_RATE,default:200,help:rate of one address without a token over which its requests get 429; 0 is no limit" unit:"requests a second"`
	DireccionGolpe           int           `conf:"env:ADDRESS_BURST,default:400,help:requests of one address without a token that may come at once before ADDRESS_RATE holds" unit:"requests"`
	MaxConnectionsPerAddress int           `conf:"env:MAX_CONNECTIONS_PER_ADDRESS,default:128,help:connections that one address may have open; behind PROXIES its requests under way; not counted while LISTEN_ADDRESS is of the loopback; 0 is no limit" unit:"connections"`
	MaxConnections           int           `conf:"env:MAX_CONNECTIONS,default:1024,help:connections that may be open in all; the last eighth is for addresses with few; 0 is no limit" unit:"connections"`
	MaxStreamsPerAddress     int           `conf:"env:MAX_STREAMS_PER_ADDRESS,default:96,help:live streams that one address may have open; 0 is no limit" unit:"streams"`
	Proxies                  int           `conf:"env:PROXIES,default:0,help:proxies of ours that add to X-Forwarded-For before a request is here" unit:"proxies"`
	StopNotice               time.Duration `conf:"env:STOP_NOTICE,default:2s,help:how long /readyz says that the bff stops before it does; longer than the balancer takes to ask"`
	InFlight                 int64         `conf:"env:MEMORY_IN_FLIGHT,default:33554432,help:heap that the requests in flight may hold; one subject or address a quarter of it; 0 is no limit" unit:"bytes"`
	MaxAnswer                int64         `conf:"env:MAX_ANSWER,default:1048576,help:size of one answer over which it is 413; 0 is no limit" unit:"bytes"`
	MaxKept                  int           `conf:"env:MAX_KEPT_ANSWER,default:65536,help:size up to which an answer is kept under its Idempotency-Key; of a larger one the bff keeps only that it was done" unit:"bytes"`
	MaxKeys                  int           `conf:"env:MAX_LIVE_KEYS,default:10000,help:Idempotency-Keys that one subject may have at once; 0 is no limit" unit:"keys"`
	MaxSessions              int           `conf:"env:MAX_SESSIONS,default:20,help:sessions that one subject may have at once; a further one ends the oldest" unit:"sessions"`
	Plazo                    time.Duration `conf:"env:REQUEST_TIMEOUT,default:30s,help:how long a request may take; streams have no end"`
}

func (c config) desarrollo() bool { return c.Modo == development }

func main() {
	var cfg config
	arranque.Main(servicio, &cfg, &cfg.Comun, func(ctx context.Context) error { return run(ctx, cfg) })
}

func run(ctx context.Context, cfg config) error {
	sidecar, err := cfg.Comun.Sidecar(ctx)
	if err != nil {
		return err
	}
	defer sidecar.Close()
	if cfg.desarrollo() {
		slog.WarnContext(ctx, "modo de desarrollo: el emisor cree a cualquiera, y /v1 y /stream están abiertos")
	}
	publicador := pubsub.NuevoPublicador(sidecar, servicio)
	puerto, token := cfg.Comun.DaprHTTP, cfg.Comun.TokenDapr
	gestor, almacen := dapr.Gestor{Servicio: dapr.NuevoServicio("gestor-compra", puerto, token)}, dapr.Almacen{Sidecar: sidecar}
	rutas := cfg.Comun.RutasPublicas(nil)
	deSidecar := rutas.NewRoute().Subrouter()
	deSidecar.Use(cfg.Comun.SoloSidecar)
	quota := borde.NewQuota(almacen, cfg.MaxKeys)
	p := piezas{
		nucleo: compras.Nuevo(gestor, dapr.Comandos{Publicador: publicador}, borde.Metered{Almacen: almacen, Quota: quota}), quota: quota, almacen: almacen, operacion: gestor,
		productos: dapr.Productos{Servicio: dapr.NuevoServicio("admin-productos", puerto, token)},
		ordenes:   dapr.Ordenes{Servicio: dapr.NuevoServicio("ordenes", puerto, token)},
		monitor:   dapr.Monitor{Servicio: dapr.NuevoServicio("monitor", puerto, token).ConPlazo(plazoMonitor)}, // it reads every topic of dead letters
		receptor:  pubsub.NuevoReceptor(deSidecar, publicador, pubsub.TriesIn(sidecar, dapr.Store)),
	}
	streams, endStreams := context.WithCancel(context.WithoutCancel(ctx)) // they outlive ctx by the notice
	defer endStreams()
	if err := montar(streams, rutas, cfg, p); err != nil {
		return err
	}
	go arranque.Repetir(ctx, sendAgainEvery, "send again what the topic may have lost", p.nucleo.SendAgain)
	listener, err := cfg.Comun.Listen(ctx)
	if err != nil {
		return err
	}
	perAddress := cfg.MaxConnectionsPerAddress
	// Behind proxies the connections are the proxy's: montar counts its customers. On the loopback everybody of the machine, the
	// sidecar too, has one address.
	if cfg.Proxies > 0 || borde.OnLoopback(listener.Addr()) {
		perAddress = 0
	}
	return cfg.Comun.Serve(ctx, borde.LimitConnections(listener, perAddress, cfg.MaxConnections), borde.CORS(cfg.Origenes, borde.ConHead(rutas)), arranque.Drain{Notice: cfg.StopNotice, OnStop: endStreams})
}

const (
	// plazoMonitor bounds a call to monitor, which reads the topics of dead letters for it.
	plazoMonitor = 20 * time.Second
	// sendAgainEvery is how often the bff looks for commands that went by the topic and must be confirmed.
	sendAgainEvery = 5 * time.Second
)

// piezas is what the program stands on.
type piezas struct {
	nucleo    *compras.Servicio
	almacen   compras.Almacen
	operacion acceso.Operacion
	productos acceso.Productos
	ordenes   acceso.Ordenes
	monitor   acceso.Monitor
	receptor  *pubsub.Receptor
	quota     *borde.Quota
}
