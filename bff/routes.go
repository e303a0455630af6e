package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"entregas/bff/access"
	"entregas/bff/edge"
	"entregas/bff/explorer"
	"entregas/bff/graph/common"
	"entregas/bff/graph/public"
	v1 "entregas/bff/graph/v1"
	"entregas/bff/identity"
	"entregas/bff/live"
	"entregas/bff/memory"
	"entregas/bff/messages"
	"entregas/bff/pages"
	"entregas/bff/rest"
	internalrest "entregas/internal/rest"
)

// mount adds all routes of the bff to routes. Streams end when ctx does.
//
// The middleware of a request runs in this order: headers for browsers, deadline, limits of what an address has open, identity and
// rate, memory, Idempotency-Key. Messages of the sidecar pass none of it, since p.receiver has its own routes.
func mount(ctx context.Context, routes *mux.Router, cfg config, p pieces) error {
	limits := edge.NewLimits(edge.Pace{PerSecond: cfg.PerSubject, Burst: cfg.Burst},
		edge.Pace{PerSecond: cfg.PerAddress, Burst: cfg.AddressBurst},
		edge.Open{Connections: cfg.MaxConnectionsPerAddress, Streams: cfg.MaxStreamsPerAddress}, cfg.Proxies)
	pool := memory.New(memory.Limits{Total: cfg.InFlight, Answer: cfg.MaxAnswer, Waiting: waitForRoom})
	introspection := cfg.Introspection && cfg.development()
	gate := access.Gate{Core: p.core, Operation: p.operation, Stock: p.productos, Warehouse: p.ordenes, Monitor: p.monitor}
	wakeups := live.NewWakeups()
	feed := live.NewServer(ctx, gate, wakeups)

	pageRoutes := routes.NewRoute().Subrouter()
	pageRoutes.Use(edge.Headers, edge.Deadline(cfg.Deadline), limits.LimitOpen)
	pages.Register(pageRoutes)

	forAnyone := routes.NewRoute().Subrouter() // without identification
	forAnyone.Use(edge.Headers, edge.Deadline(cfg.Deadline), limits.LimitOpen, limits.PerAddress, limits.Bounded(pool), edge.SameOrigin(cfg.Origins))
	trusted, err := issuerOf(cfg, forAnyone, p.store)
	if err != nil {
		return err
	}
	sessions := identity.NewSessions(trusted, p.store, cfg.MaxSessions)
	sessions.Register(forAnyone)
	explorer.Docs(forAnyone)
	if cfg.GraphiQL {
		explorer.GraphiQL(forAnyone)
	}
	forAnyone.HandleFunc("/", frontPage).Methods(http.MethodGet)

	identified := routes.NewRoute().Subrouter()
	identified.Use(edge.Headers, edge.Deadline(cfg.Deadline), limits.LimitOpen, limits.Identification(sessions.Who), limits.Bounded(pool), edge.Idempotency(edge.Keys{
		Store: p.store, Quota: p.quota, Largest: cfg.MaxKept, Changes: common.Changes,
	}))
	rest.Server{Gate: gate, Live: feed}.Register(identified)
	sockets := common.Sockets{Stop: ctx, Origins: cfg.Origins, Identify: limits.Identify(trusted.Verify)}
	identified.Handle("/graphql", public.New(gate, feed, pool, introspection, sockets)).Methods(http.MethodPost, http.MethodGet)
	if cfg.development() {
		forAnyone.Handle("/v1", v1.New(p.core, pool, introspection)).Methods(http.MethodPost)
		forAnyone.HandleFunc("/stream", feed.All).Methods(http.MethodGet)
	} else {
		identified.Handle("/v1", v1.New(gate, pool, introspection)).Methods(http.MethodPost)
		identified.Handle("/stream", internalrest.Route(func(w http.ResponseWriter, r *http.Request) error {
			if err := identity.Require(r.Context(), identity.Operador); err != nil {
				return err
			}
			feed.All(w, r)
			return nil
		})).Methods(http.MethodGet)
	}
	messages.Receive(p.receiver, p.core, wakeups)
	return nil
}

// waitForRoom is how long a request waits for memory before it is refused.
const waitForRoom = time.Second

// frontPage lists the routes of the bff for a person.
func frontPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, `Entregas de los Alpes

  GET  /docs                        la interfaz REST, para leer y probar
  GET  /graphiql                    la interfaz GraphQL (POST /graphql)
  GET  /entrar                      empezar una sesión

  GET  /api/productos?buscar=cafe   lo que se puede comprar

Con un token (Authorization: Bearer $(make -s token ROL=cliente USUARIO=ana)):

  POST /api/compras                 comprar: {"productos": [{"id_producto": "1", "cantidad": 2}], "domicilio": true}
  GET  /api/compras/{id}            una compra con su historia
  GET  /api/compras/{id}/eventos    lo mismo, en vivo
  POST /api/compras/{id}/cancelacion   cancelarla
  GET  /api/usuarios/{id}/compras   las compras de un usuario

Operadores (ROL=operador):

  GET  /api/compras                 las de todos: ?estado=POR_APROBAR&domicilio=true
  GET  /api/compras/{id}/mensajes   lo que su saga pidió y lo que le respondieron
  POST /api/compras/{id}/aprobacion    decidir sobre la que espera: {"aprobada": true}
  POST /api/compras/{id}/reintento  retomar una FALLIDA o una que no avanza
  GET  /api/ordenes/{id}            una orden
  POST /api/ordenes/{id}/despacho   despacharla
  POST /api/productos/{id}/reposicion  reponer: {"cantidad": 10}
  GET  /api/operacion/resumen       lo que pasa ahora; también /colas y /balance
  GET  /api/mensajes-muertos        los que nadie pudo atender; POST …/{id}/reposicion devuelve uno, …/{id}/apartado aparta uno ilegible

  GET  /stream                      los cambios de todas las compras, en vivo
  POST /v1                          GraphQL del sistema anterior
`)
}
