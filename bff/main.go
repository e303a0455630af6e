// Command bff serves the public interfaces of the system: REST, GraphQL, live streams and the pages.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"entregas/bff/access"
	"entregas/bff/compras"
	"entregas/bff/dapr"
	"entregas/bff/edge"
	"entregas/bff/memory"
	"entregas/internal/app"
	"entregas/internal/pubsub"
)

const service = "bff"

type config struct {
	Common                   app.Config
	Mode                     mode          `conf:"env:MODE,default:production,help:production or development; development serves an issuer that signs in anybody and leaves /v1 open"`
	Issuer                   string        `conf:"env:OIDC_ISSUER,required,help:issuer of the tokens that the bff accepts; in development its own address and /desarrollo" unit:"URL"`
	IssuerKey                string        `conf:"env:OIDC_DEVELOPMENT_KEY_FILE,help:secret from which every replica makes the key of the development issuer; empty makes a key that ends with the process" unit:"file"`
	Audience                 string        `conf:"env:OIDC_AUDIENCE,default:entregas,help:audience (claim aud) that a token must name"`
	ClientID                 string        `conf:"env:OIDC_CLIENT_ID,default:entregas-pages,help:client id of the pages with the issuer"`
	Secret                   string        `conf:"env:OIDC_CLIENT_SECRET,mask,help:client secret of the pages with the issuer; empty for a public client"`
	Roles                    string        `conf:"env:OIDC_ROLES,default:roles,help:claim that holds the roles of a token; a path has dots"`
	PublicURL                string        `conf:"env:PUBLIC_URL,help:address of the bff as browsers see it; in development empty takes the address of each request" unit:"URL"`
	Origins                  []string      `conf:"env:CORS_ORIGINS,help:origins of other pages that may send requests"`
	GraphiQL                 bool          `conf:"env:GRAPHIQL,default:true,help:the bff serves GraphiQL and the GraphQL explorer"`
	Introspection            bool          `conf:"env:INTROSPECTION,default:true,help:GraphQL answers queries about its schema; in development only"`
	PerSubject               float64       `conf:"env:SUBJECT_RATE,default:50,help:rate of one subject over which its requests get 429; 0 is no limit" unit:"requests a second"`
	Burst                    int           `conf:"env:SUBJECT_BURST,default:100,help:requests of one subject that may come at once before SUBJECT_RATE holds" unit:"requests"`
	PerAddress               float64       `conf:"env:ADDRESS_RATE,default:200,help:rate of one address without a token over which its requests get 429; 0 is no limit" unit:"requests a second"`
	AddressBurst             int           `conf:"env:ADDRESS_BURST,default:400,help:requests of one address without a token that may come at once before ADDRESS_RATE holds" unit:"requests"`
	MaxConnectionsPerAddress int           `conf:"env:MAX_CONNECTIONS_PER_ADDRESS,default:128,help:connections that one address may have open; behind PROXIES its requests under way; not counted while LISTEN_ADDRESS is of the loopback; 0 is no limit" unit:"connections"`
	MaxConnections           int           `conf:"env:MAX_CONNECTIONS,default:1024,help:connections that all addresses together may have open; the last eighth is for addresses with few; 0 is no limit" unit:"connections"`
	MaxStreamsPerAddress     int           `conf:"env:MAX_STREAMS_PER_ADDRESS,default:96,help:live streams that one address may have open; 0 is no limit" unit:"streams"`
	Proxies                  int           `conf:"env:PROXIES,default:0,help:our own proxies that add to X-Forwarded-For before a request reaches the bff" unit:"proxies"`
	Metrics                  int           `conf:"env:METRICS_PORT,help:port of /metrics for Prometheus: the other port is public and has none; empty serves none" unit:"port"`
	Traces                   string        `conf:"env:TRACES_URL,help:page of the traces; operators get a link to it where it is set" unit:"URL"`
	Trace                    string        `conf:"env:TRACE_URL,help:page of one trace with {traza} in the place of its id; operators get a link to it on the page of a purchase" unit:"URL"`
	Dashboards               string        `conf:"env:DASHBOARDS_URL,help:page of the dashboards; operators get a link to it where it is set" unit:"URL"`
	StopNotice               time.Duration `conf:"env:STOP_NOTICE,default:2s,help:how long /readyz is 503 before the bff stops; longer than the pause between two checks of the load balancer"`
	InFlight                 int64         `conf:"env:MEMORY_IN_FLIGHT,default:33554432,help:heap that the requests in flight may hold; one subject or address a quarter of it; 0 is no limit" unit:"bytes"`
	MaxAnswer                int64         `conf:"env:MAX_ANSWER,default:1048576,help:size of an answer beyond which it is 413; 0 is no limit" unit:"bytes"`
	MaxKept                  int           `conf:"env:MAX_KEPT_ANSWER,default:65536,help:size up to which an answer is kept under its Idempotency-Key; of a larger one the bff keeps only that the request was done" unit:"bytes"`
	MaxKeys                  int           `conf:"env:MAX_LIVE_KEYS,default:10000,help:Idempotency-Keys that one subject may have at once; 0 is no limit" unit:"keys"`
	MaxSessions              int           `conf:"env:MAX_SESSIONS,default:20,help:sessions that one subject may have at once; a further one ends the oldest" unit:"sessions"`
	Deadline                 time.Duration `conf:"env:REQUEST_TIMEOUT,default:30s,help:how long a request may take; a file of a list may take ten times as long and a stream has no such limit"`
}

// Validate refuses an address of another tool that no browser opens as a page.
func (c config) Validate() error {
	for name, address := range map[string]string{"TRACES_URL": c.Traces, "TRACE_URL": c.Trace, "DASHBOARDS_URL": c.Dashboards} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			return fmt.Errorf("%s is %q; it must be an address of http or https", name, address)
		}
	}
	if c.Trace != "" && !strings.Contains(c.Trace, "{traza}") {
		return fmt.Errorf("TRACE_URL is %q; it must have {traza} in the place of the id of a trace", c.Trace)
	}
	return nil
}

func (c config) development() bool { return c.Mode == development }

func main() {
	var cfg config
	app.Main(service, &cfg, &cfg.Common, func(ctx context.Context) error { return run(ctx, cfg) })
}

func run(ctx context.Context, cfg config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	sidecar, err := cfg.Common.Sidecar(ctx)
	if err != nil {
		return err
	}
	defer sidecar.Close()
	if cfg.development() {
		slog.WarnContext(ctx, "development mode: the issuer signs in anybody, and /v1 and /stream are open")
	}
	publisher := pubsub.NewPublisher(sidecar, service)
	port, token := cfg.Common.DaprHTTP, cfg.Common.DaprToken
	manager, store := dapr.Manager{Service: dapr.NewService("gestor-compra", port, token)}, dapr.Store{Sidecar: sidecar}
	routes := cfg.Common.PublicRoutes(nil)
	sidecarRoutes := routes.NewRoute().Subrouter()
	sidecarRoutes.Use(cfg.Common.SidecarOnly)
	quota := edge.NewQuota(store, cfg.MaxKeys)
	p := pieces{
		core: compras.New(manager, dapr.Commands{Publisher: publisher}, edge.Metered{Store: store, Quota: quota}), quota: quota, store: store, operation: manager, desk: manager, memory: memoryOf(cfg),
		productos: dapr.Productos{Service: dapr.NewService("admin-productos", port, token)},
		ordenes:   dapr.Ordenes{Service: dapr.NewService("ordenes", port, token)},
		monitor:   dapr.Monitor{Service: dapr.NewService("monitor", port, token).WithDeadline(monitorDeadline)}, avisos: dapr.Avisos{Service: dapr.NewService("avisos", port, token)},
		receiver: pubsub.NewReceiver(sidecarRoutes, publisher, pubsub.NewAttemptsIn(sidecar, dapr.StoreName)),
	}
	health := &dapr.Health{Own: service}
	for _, app := range otherServices {
		health.Services = append(health.Services, dapr.NewService(app, port, token))
	}
	p.health = health
	streams, endStreams := context.WithCancel(context.WithoutCancel(ctx)) // streams end later than ctx: they tell their clients first that the program stops
	defer endStreams()
	if err := mount(streams, routes, cfg, p); err != nil {
		return err
	}
	if cfg.Metrics != 0 {
		go app.Repeat(ctx, serveMetricsEvery, "serve the metrics", func(ctx context.Context) error { return cfg.Common.ServeMetrics(ctx, cfg.Metrics) })
	}
	go app.Repeat(ctx, sendAgainEvery, "publish commands again that the topic may have lost", p.core.SendAgain)
	listener, err := cfg.Common.Listen(ctx)
	if err != nil {
		return err
	}
	perAddress := cfg.MaxConnectionsPerAddress
	// Behind proxies a connection carries many clients, and mount counts their requests instead. On the loopback all programs of
	// the machine have one address, the sidecar too.
	if cfg.Proxies > 0 || edge.OnLoopback(listener.Addr()) {
		perAddress = 0
	}
	return cfg.Common.Serve(ctx, edge.LimitConnections(listener, perAddress, cfg.MaxConnections), front(cfg, routes), app.Drain{Notice: cfg.StopNotice, OnStop: endStreams})
}

const (
	// monitorDeadline bounds a call to monitor, which reads all topics of dead letters for one answer.
	monitorDeadline = 20 * time.Second
	// sendAgainEvery is how often the bff looks for published commands that it must ask the owner about.
	sendAgainEvery = 5 * time.Second
	// serveMetricsEvery is how often the bff tries to open its port for metrics. It serves its clients also without it.
	serveMetricsEvery = 5 * time.Second
)

// otherServices are the services whose health the bff shows.
var otherServices = []string{"gestor-compra", "admin-productos", "consolidador", "ordenes", "monitor", "avisos"}

// pieces are the parts that run makes and mount connects.
type pieces struct {
	core      *compras.Service
	store     compras.Store
	operation access.Operation
	desk      access.Desk
	productos dapr.Productos
	ordenes   access.Ordenes
	monitor   access.Monitor
	health    access.Health
	avisos    dapr.Avisos
	receiver  *pubsub.Receiver
	quota     *edge.Quota
	memory    *memory.Pool
}
