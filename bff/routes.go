package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"entregas/bff/access"
	"entregas/bff/compras"
	"entregas/bff/edge"
	"entregas/bff/encoding"
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
// The middleware of a request runs in this order: headers for browsers, compression of the answer, deadline, limits of what an
// address has open, identity and rate, memory, Idempotency-Key. Messages of the sidecar pass none of it, since p.receiver has its
// own routes.
func mount(ctx context.Context, routes *mux.Router, cfg config, p pieces) error {
	limits := edge.NewLimits(edge.Pace{PerSecond: cfg.PerSubject, Burst: cfg.Burst},
		edge.Pace{PerSecond: cfg.PerAddress, Burst: cfg.AddressBurst},
		edge.Open{Connections: cfg.MaxConnectionsPerAddress, Streams: cfg.MaxStreamsPerAddress}, cfg.Proxies)
	introspection := cfg.Introspection && cfg.development()
	gate := access.Gate{
		Auditors: access.AuditorsOf(p.operation, p.productos, p.ordenes, p.monitor, p.avisos),
		Core:     p.core, Operation: p.operation, Desk: p.desk, Stock: p.productos, Prices: p.productos, Existencias: p.productos, Warehouse: p.ordenes, Monitor: p.monitor,
		Webhooks: p.avisos, Deliveries: p.avisos, Wishes: p.avisos, Mail: p.avisos,
		Counts: access.NewCounts(p.desk, p.ordenes, p.monitor),
		Health: p.health, Links: access.Links{Trazas: cfg.Traces, Traza: cfg.Trace, Tableros: cfg.Dashboards},
	}
	wakeups := live.NewWakeups()
	feed := live.NewServer(ctx, gate, wakeups)

	pageRoutes := routes.NewRoute().Subrouter()
	pageRoutes.Use(edge.Headers, edge.Deadline(cfg.Deadline), limits.LimitOpen)
	pages.Register(pageRoutes)

	forAnyone := routes.NewRoute().Subrouter() // without identification
	forAnyone.Use(edge.Headers, edge.Deadline(cfg.Deadline), limits.LimitOpen, limits.PerAddress, limits.Bounded(p.memory), edge.SameOrigin(cfg.Origins))
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
	identified.Use(edge.Headers, encoding.Answers, edge.Deadline(cfg.Deadline), limits.LimitOpen, limits.Identification(sessions.Who), limits.Bounded(p.memory), edge.Idempotency(edge.Keys{
		Store: p.store, Quota: p.quota, Largest: cfg.MaxKept, Changes: common.Changes,
	}))
	rest.Server{Gate: gate, Live: feed}.Register(identified)
	sockets := common.Sockets{Stop: ctx, Origins: cfg.Origins, Identify: limits.Identify(trusted.Verify)}
	identified.Handle("/graphql", through("graphql", public.New(gate, feed, p.memory, introspection, sockets))).Methods(http.MethodPost, http.MethodGet)
	if cfg.development() {
		forAnyone.Handle("/v1", through("v1", v1.New(p.core, p.memory, introspection))).Methods(http.MethodPost)
		forAnyone.HandleFunc("/stream", feed.All).Methods(http.MethodGet)
	} else {
		identified.Handle("/v1", through("v1", v1.New(gate, p.memory, introspection))).Methods(http.MethodPost)
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

// through is the handler next, whose purchases are measured as those of the interface name.
func through(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(compras.Through(r.Context(), name)))
	})
}

// front returns what all requests pass before they come to routes.
func front(cfg config, routes http.Handler) http.Handler {
	return edge.CORS(cfg.Origins, pages.Errors(edge.WithHead(routes)))
}

// memoryOf returns the memory that the requests in flight share.
func memoryOf(cfg config) *memory.Pool {
	return memory.New(memory.Limits{Total: cfg.InFlight, Answer: cfg.MaxAnswer, Waiting: waitForRoom})
}

// waitForRoom is how long a request waits for memory before it is refused.
const waitForRoom = time.Second

// frontPage lists the routes of the bff for a developer.
func frontPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, `Entregas de los Alpes

  GET  /docs                        the REST interface, to read and to try
  GET  /graphiql                    the GraphQL interface (POST /graphql)
  GET  /entrar                      begin a session

  GET  /api/productos?buscar=cafe   what can be bought

With a token (Authorization: Bearer $(make -s token ROL=cliente USUARIO=ana)):

  POST /api/compras                 buy: {"productos": [{"id_producto": "1", "cantidad": 2}], "domicilio": true}
  GET  /api/compras/{id}            a purchase with its history
  GET  /api/compras/{id}/eventos    the same, live
  POST /api/compras/{id}/cancelacion   cancel it
  GET  /api/usuarios/{id}/compras   the purchases of a customer
  PUT  /api/usuarios/{id}/correo    get the news of one's purchases by e-mail: {"correo": "ana@ejemplo.com"}; DELETE ends it

Operators (ROL=operador):

  GET  /api/compras                 those of all customers: ?texto=ana&estado=FALLIDA&desde=2026-11-26; Accept: text/csv for a file
  GET  /api/compras/{id}/mensajes   the commands of its saga and their replies
  GET  /api/auditoria               what persons did: ?sujeto=oti&tipo=despacho; a file with Accept: text/csv
  POST /api/compras/{id}/aprobacion    approve or reject one that awaits it: {"aprobada": true}
  POST /api/compras/{id}/reintento  retry a FALLIDA, or one that stands still
  GET  /api/compras/aprobaciones    those that await approval, the oldest first; POST decides about many
  GET  /api/ordenes                 the orders that wait for their dispatch; by zone with …/zonas; POST …/despachos dispatches many
  GET  /api/ordenes/{id}            an order
  POST /api/ordenes/{id}/despacho   dispatch it
  POST /api/usuarios/{id}/borrado   erase the personal data of a customer from what has ended
  POST /api/productos/{id}/reposicion  restock: {"cantidad": 10}
  POST /api/productos/{id}/precio   change the price, in minor units: {"precio": 3200000, "moneda": "COP"}; GET …/precios lists them
  POST /api/productos/{id}/correccion  correct the stock: {"cantidad": -2, "motivo": "…"}; also …/umbral {"umbral": 10}
  GET  /api/productos/{id}/movimientos  the ledger of a product
  POST /api/productos/importacion   change many by CSV: {"csv": "id_producto,cantidad\n1,10", "ensayo": true}
  GET  /api/operacion/resumen       the purchases by state; also /colas, /balance and /pendientes
  GET  /api/mensajes-muertos        the dead letters; POST …/{id}/devolucion returns one to its topic, …/{id}/descarte discards it,
                                    …/{id}/apartado sets an unreadable one aside

  GET  /api/avisos/direcciones      the addresses that get the changes of purchases as webhooks; POST adds one: {"url": "https://…"}
  GET  /api/avisos/entregas         their deliveries; POST …/{id}/reenvio sends one again

  POST /api/productos/{id}/avisame  tell me once there are so many units: {"cantidad": 2}; DELETE takes it back; GET /api/avisos/existencias

  GET  /stream                      the changes of all purchases, live
  POST /v1                          GraphQL of the earlier system
`)
}
