// Package app is the one way in which our programs start, tell their health, and stop.
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

	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/internal/rest"
)

// Version is the commit that the program was built from; the build of an image sets it.
var Version = "desarrollo"

// Config is what every program reads from its environment. `dapr run` sets the ports.
type Config struct {
	Address      string        `conf:"env:LISTEN_ADDRESS,default:127.0.0.1,help:address that the service listens on" unit:"IP address"`
	Port         int           `conf:"env:APP_PORT,required,help:port that the service listens on" unit:"port"`
	DaprGRPC     string        `conf:"env:DAPR_GRPC_PORT,required,help:gRPC port of the sidecar" unit:"port"`
	DaprHTTP     string        `conf:"env:DAPR_HTTP_PORT,required,help:HTTP port of the sidecar" unit:"port"`
	AppToken     string        `conf:"env:APP_API_TOKEN,mask,help:token that the sidecar sends with each call; empty asks for none"`
	DaprToken    string        `conf:"env:DAPR_API_TOKEN,mask,help:token that the service sends to its sidecar; empty sends none"`
	LogLevel     string        `conf:"env:LOG_LEVEL,default:INFO,help:least level of a log line: DEBUG INFO WARN or ERROR"`
	BodyTimeout  time.Duration `conf:"env:BODY_TIMEOUT,default:30s,help:how long the body of a request may take to arrive"`
	StopDeadline time.Duration `conf:"env:SHUTDOWN_TIMEOUT,default:15s,help:how long a stop waits for what is under way"`
}

// finalNotice is the pause before a program that failed ends, for `dapr run` to read its last line. It drops what it has not read by then.
const finalNotice = 200 * time.Millisecond

// Main runs a program: reads its configuration, prints it masked, runs it until SIGINT or SIGTERM.
// common points at the Config inside cfg.
func Main[C any](service string, cfg *C, common *Config, run func(ctx context.Context) error) {
	help, err := conf.Parse("", cfg)
	if errors.Is(err, conf.ErrHelpWanted) {
		fmt.Println(help)
		return
	}
	slog.SetDefault(logging.New(os.Stdout, service, common.LogLevel))
	if err == nil {
		ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer cancel()
		if text, printErr := conf.String(cfg); printErr == nil {
			slog.Info("arranca", "version", Version, "configuracion", text)
		}
		err = run(ctx)
	}
	if err != nil {
		slog.Error("termina con error", "error", err)
		time.Sleep(finalNotice)
		os.Exit(1)
	}
	slog.Info("termina")
}

// sidecarWait is how long a program waits for its sidecar, which may start after it and itself waits for the broker.
const sidecarWait = 2 * time.Minute

// Sidecar connects to the program's own sidecar, and waits for it to be there.
func (c Config) Sidecar(ctx context.Context) (dapr.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, sidecarWait)
	defer cancel()
	address := net.JoinHostPort("127.0.0.1", c.DaprGRPC)
	for {
		waitForListener(ctx, address)
		client, err := dapr.NewClientWithAddressContext(ctx, address) // gives up after 5 s
		if err == nil {
			return client, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("conectar con el sidecar: %w", err)
		}
		slog.WarnContext(ctx, "espera al sidecar", "error", err)
	}
}

// dialEvery is how often a program that starts tries to connect to its sidecar.
const dialEvery = 20 * time.Millisecond

// waitForListener returns once somebody listens at address, or ctx ends. gRPC's second try comes a second after the first: for a
// program that starts a moment before its sidecar that would be most of its start.
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

// Check asks something that the program needs whether it answers.
type Check func(ctx context.Context) error

// Routes gives a router with /healthz, which depends on nothing (docs/adr/health-does-not-feed-back.md: an unhealthy app loses its
// subscriptions), and /readyz, which asks the sidecar and each of needs, at most once a second for all who want to know. A variable of a path may have any character:
// an escaped slash does not end it.
//
// All else is answered only to the program's own sidecar, which says the app API token; openOnes are paths for anyone.
func (c Config) Routes(needs map[string]Check, openOnes ...string) *mux.Router {
	routes := c.PublicRoutes(needs)
	openOnes = append(openOnes, "/healthz", "/readyz")
	routes.Use(func(next http.Handler) http.Handler {
		sidecarOnly := c.SidecarOnly(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if slices.Contains(openOnes, r.URL.Path) {
				next.ServeHTTP(w, r)
				return
			}
			sidecarOnly.ServeHTTP(w, r)
		})
	})
	return routes
}

// tokenHeader is where Dapr puts a token, in both directions.
const tokenHeader = "dapr-api-token" // #nosec G101 -- a header's name

// SidecarOnly lets only the program's own sidecar through to next; anyone where no app API token is set.
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

// PublicRoutes is Routes for a program whose routes are for everybody.
func (c Config) PublicRoutes(needs map[string]Check) *mux.Router {
	// A path is taken as it is written: one with // or dots in it is no route. A redirect, which is what the router does with it
	// otherwise, makes a client send a POST again as a GET.
	routes := mux.NewRouter().UseEncodedPath().SkipClean(true)
	routes.NotFoundHandler = rest.Route(func(_ http.ResponseWriter, r *http.Request) error {
		return errs.New(errs.NotFound, "No existe la ruta %s.", r.URL.Path)
	})
	routes.MethodNotAllowedHandler = rest.Route(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", strings.Join(admitted(routes, r), ", "))
		return errs.New(errs.NotAllowed, "La ruta %s no admite %s.", r.URL.Path, r.Method)
	})
	routes.Use(withTrace, withVariables)
	routes.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }).Methods(http.MethodGet)
	status := c.ready(needs)
	routes.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := status.now(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}).Methods(http.MethodGet)
	return routes
}

// admitted are the methods with which routes has what r asks for.
func admitted(routes *mux.Router, r *http.Request) (methods []string) {
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

// withTrace puts the caller's trace into the request's context.
func withTrace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(logging.WithTrace(r.Context(), r.Header.Get("traceparent"))))
	})
}

// withVariables takes the escaping off the path's variables, which UseEncodedPath leaves on.
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

// Repeat calls f every every until ctx ends. What f returns is logged: the next turn tries again.
func Repeat(ctx context.Context, every time.Duration, what string, f func(ctx context.Context) error) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "tarea periódica", "tarea", what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
