// Package app starts, watches and stops every program of the system in the same way.
package app

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ardanlabs/conf/v3"
	dapr "github.com/dapr/go-sdk/client"
	"github.com/gorilla/mux"

	"entregas/internal/actor"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/internal/rest"
	"entregas/internal/telemetry"
)

// Version is the commit from which the program was built. The build of an image sets it.
var Version = "development"

// Config has the settings that every program reads from its environment. `dapr run` sets the ports.
type Config struct {
	Address      string        `conf:"env:LISTEN_ADDRESS,default:127.0.0.1,help:address that the service listens on" unit:"IP address"`
	Port         int           `conf:"env:APP_PORT,required,help:port that the service listens on" unit:"port"`
	DaprGRPC     string        `conf:"env:DAPR_GRPC_PORT,required,help:gRPC port of the sidecar" unit:"port"`
	DaprHTTP     string        `conf:"env:DAPR_HTTP_PORT,required,help:HTTP port of the sidecar" unit:"port"`
	AppToken     string        `conf:"env:APP_API_TOKEN,mask,help:token that the sidecar sends with each call; empty asks for none"`
	DaprToken    string        `conf:"env:DAPR_API_TOKEN,mask,help:token that the service sends to its sidecar; empty sends none"`
	LogLevel     string        `conf:"env:LOG_LEVEL,default:INFO,help:least level of a log line: DEBUG INFO WARN or ERROR"`
	BodyTimeout  time.Duration `conf:"env:BODY_TIMEOUT,default:30s,help:how long the body of a request may take to arrive"`
	Collector    string        `conf:"env:OTEL_EXPORTER_OTLP_ENDPOINT,help:OpenTelemetry collector that gets the traces (OTLP over gRPC); empty records none; the other OTEL_ variables are those of OpenTelemetry" unit:"URL"`
	StopDeadline time.Duration `conf:"env:SHUTDOWN_TIMEOUT,default:15s,help:how long a stop waits for what is under way"`
}

// finalNotice is the pause between the last log line of a failed program and its end. `dapr run` needs it to read that line.
const finalNotice = 200 * time.Millisecond

// Main parses cfg from the environment, checks its waits, logs it with secrets masked, and calls run. The context of run ends at SIGINT or
// SIGTERM. common must point at the Config inside cfg. An error of the settings or of run ends the process with code 1.
func Main[C any](service string, cfg *C, common *Config, run func(ctx context.Context) error) {
	help, err := conf.Parse("", cfg)
	if errors.Is(err, conf.ErrHelpWanted) {
		fmt.Println(help)
		return
	}
	slog.SetDefault(logging.New(os.Stdout, service, common.LogLevel))
	if err == nil {
		err = CheckWaits(cfg)
	}
	if err == nil {
		ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer cancel()
		if text, printErr := conf.String(cfg); printErr == nil {
			slog.Info("starting", "version", Version, "settings", text)
		}
		err = traced(ctx, service, common.Collector, run)
	}
	if err != nil {
		slog.Error("stopped with an error", "error", err)
		time.Sleep(finalNotice)
		os.Exit(1)
	}
	slog.Info("stopped")
}

// traced calls run with tracing installed, and sends the last spans after it.
func traced(ctx context.Context, service, collector string, run func(ctx context.Context) error) error {
	stop, err := telemetry.Start(ctx, service, Version, collector)
	if err != nil {
		return err
	}
	defer stop()
	return run(ctx)
}

// sidecarWait is how long a program that starts waits for its sidecar. The sidecar may start later and waits for the broker.
const sidecarWait = 2 * time.Minute

// Sidecar connects to the program's own sidecar. It retries for at most sidecarWait.
func (c Config) Sidecar(ctx context.Context) (dapr.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, sidecarWait)
	defer cancel()
	address := net.JoinHostPort("127.0.0.1", c.DaprGRPC)
	for {
		waitForListener(ctx, address)
		client, err := dapr.NewClientWithAddressContext(ctx, address, telemetry.Sidecar()...) // gives up after 5 s
		if err == nil {
			return client, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("connect to the sidecar: %w", err)
		}
		slog.WarnContext(ctx, "the sidecar is not ready yet", "error", err)
	}
}

// dialEvery is how often a program that starts tries to connect to its sidecar.
const dialEvery = 20 * time.Millisecond

// waitForListener returns when a TCP connection to address succeeds, or when ctx ends. gRPC by itself waits a second between
// two tries, which would be most of the start-up time of a program.
func waitForListener(ctx context.Context, address string) {
	for ctx.Err() == nil {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(dialEvery):
		}
	}
}

// Check returns an error when a dependency of the program, such as its database, does not answer.
type Check func(ctx context.Context) error

// MetricsPath is where Prometheus reads the metrics of a program.
const MetricsPath = "/metrics"

// Routes returns a router that serves only the program's own sidecar, which sends the app API token. The paths in open,
// /healthz, /readyz and /metrics are open to every client.
//
// /healthz depends on nothing, since Dapr takes the subscriptions from an unhealthy app
// (docs/adr/health-does-not-feed-back.md). /readyz checks the sidecar and each of needs, at most once a second in total.
// A variable in a path may contain any character, an escaped slash included.
func (c Config) Routes(needs map[string]Check, open ...string) *mux.Router {
	routes := c.router(needs, telemetry.Routes())
	routes.Handle(MetricsPath, telemetry.Metrics()).Methods(http.MethodGet)
	open = append(open, "/healthz", "/readyz", MetricsPath)
	routes.Use(func(next http.Handler) http.Handler {
		sidecarOnly := c.SidecarOnly(withActor(next))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if slices.Contains(open, r.URL.Path) {
				next.ServeHTTP(w, r)
				return
			}
			sidecarOnly.ServeHTTP(w, r)
		})
	})
	return routes
}

// tokenHeader is the header that carries a Dapr API token: from the sidecar to the app, and from the app to the sidecar.
const tokenHeader = "dapr-api-token" // #nosec G101 -- a header's name

// SidecarOnly is a middleware that rejects requests without the app API token (NoIdentity). Without such a token in the
// settings it lets every request through.
func (c Config) SidecarOnly(next http.Handler) http.Handler {
	if c.AppToken == "" {
		return next
	}
	return rest.Route(func(w http.ResponseWriter, r *http.Request) error {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get(tokenHeader)), []byte(c.AppToken)) != 1 {
			return errs.New(errs.NoIdentity, "Este servicio atiende solo a su propio sidecar. Use la interfaz pública.")
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// PublicRoutes is Routes for a program whose paths are all open to every client. It has no /metrics, which ServeMetrics serves.
func (c Config) PublicRoutes(needs map[string]Check) *mux.Router {
	return c.router(needs, telemetry.PublicRoutes())
}

func (c Config) router(needs map[string]Check, traced mux.MiddlewareFunc) *mux.Router {
	// The router does not clean a path with // or dots in it: such a path is not found. By default it would answer with a
	// redirect, after which a client repeats its POST as a GET.
	routes := mux.NewRouter().UseEncodedPath().SkipClean(true)
	routes.NotFoundHandler = telemetry.Unmatched(rest.Route(func(_ http.ResponseWriter, r *http.Request) error {
		return errs.New(errs.NotFound, "No existe la ruta %s.", r.URL.Path)
	}))
	routes.MethodNotAllowedHandler = telemetry.Unmatched(rest.Route(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", strings.Join(allowedMethods(routes, r), ", "))
		return errs.New(errs.NotAllowed, "La ruta %s no admite %s.", r.URL.Path, r.Method)
	}))
	routes.Use(traced, withVariables)
	routes.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }).Methods(http.MethodGet)
	routes.HandleFunc("/readyz", c.ready(needs).serve).Methods(http.MethodGet)
	return routes
}

// allowedMethods returns the methods for which routes has a route at the path of r.
func allowedMethods(routes *mux.Router, r *http.Request) (methods []string) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		var found mux.RouteMatch
		if routes.Match(other, &found) && found.MatchErr == nil {
			methods = append(methods, method)
		}
	}
	return methods
}

// withActor is a middleware that stores in the context of a request the person that its headers name. Only the own sidecar may name one.
func withActor(next http.Handler) http.Handler {
	return rest.Route(func(w http.ResponseWriter, r *http.Request) error {
		a, err := actor.FromHeaders(r.Header)
		if err != nil {
			return err
		}
		next.ServeHTTP(w, r.WithContext(actor.With(r.Context(), a)))
		return nil
	})
}

// withVariables is a middleware that unescapes the variables of the path. UseEncodedPath leaves them escaped.
func withVariables(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range mux.Vars(r) {
			if unescaped, err := url.PathUnescape(value); err == nil {
				mux.Vars(r)[name] = unescaped
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Repeat calls f at once and then at each interval until ctx ends. An error of f is logged with the name of the task;
// the next call tries again.
func Repeat(ctx context.Context, interval time.Duration, task string, f func(ctx context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "periodic task failed", "task", task, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
