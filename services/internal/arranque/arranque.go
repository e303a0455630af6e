// Package arranque is the one way in which our programs start, tell their health, and stop.
package arranque

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

	"entregas/services/internal/errores"
	"entregas/services/internal/registro"
	"entregas/services/internal/rest"
)

// Version is the commit that the program was built from; the build of an image sets it.
var Version = "desarrollo"

// Config is what every program reads from its environment. `dapr run` sets the ports.
type Config struct {
	Direccion   string        `conf:"env:LISTEN_ADDRESS,default:127.0.0.1,help:address that the service listens on" unit:"IP address"`
	Puerto      int           `conf:"env:APP_PORT,required,help:port that the service listens on" unit:"port"`
	DaprGRPC    string        `conf:"env:DAPR_GRPC_PORT,required,help:gRPC port of the sidecar" unit:"port"`
	DaprHTTP    string        `conf:"env:DAPR_HTTP_PORT,required,help:HTTP port of the sidecar" unit:"port"`
	TokenApp    string        `conf:"env:APP_API_TOKEN,mask,help:token that the sidecar sends with each call; empty asks for none"`
	TokenDapr   string        `conf:"env:DAPR_API_TOKEN,mask,help:token that the service sends to its sidecar; empty sends none"`
	NivelLog    string        `conf:"env:LOG_LEVEL,default:INFO,help:least level of a log line: DEBUG INFO WARN or ERROR"`
	BodyTimeout time.Duration `conf:"env:BODY_TIMEOUT,default:30s,help:how long the body of a request may take to arrive"`
	PlazoParada time.Duration `conf:"env:SHUTDOWN_TIMEOUT,default:15s,help:how long a stop waits for what is under way"`
}

// avisoFinal is the pause before a program that failed ends, for `dapr run` to read its last line. It drops what it has not read by then.
const avisoFinal = 200 * time.Millisecond

// Main runs a program: reads its configuration, prints it masked, runs it until SIGINT or SIGTERM.
// comun points at the Config inside cfg.
func Main[C any](servicio string, cfg *C, comun *Config, run func(ctx context.Context) error) {
	ayuda, err := conf.Parse("", cfg)
	if errors.Is(err, conf.ErrHelpWanted) {
		fmt.Println(ayuda)
		return
	}
	slog.SetDefault(registro.Nuevo(os.Stdout, servicio, comun.NivelLog))
	if err == nil {
		ctx, soltar := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer soltar()
		if texto, alImprimir := conf.String(cfg); alImprimir == nil {
			slog.Info("arranca", "version", Version, "configuracion", texto)
		}
		err = run(ctx)
	}
	if err != nil {
		slog.Error("termina con error", "error", err)
		time.Sleep(avisoFinal)
		os.Exit(1)
	}
	slog.Info("termina")
}

// esperaSidecar is how long a program waits for its sidecar, which may start after it and itself waits for the broker.
const esperaSidecar = 2 * time.Minute

// Sidecar connects to the program's own sidecar, and waits for it to be there.
func (c Config) Sidecar(ctx context.Context) (dapr.Client, error) {
	ctx, soltar := context.WithTimeout(ctx, esperaSidecar)
	defer soltar()
	address := net.JoinHostPort("127.0.0.1", c.DaprGRPC)
	for {
		waitForListener(ctx, address)
		cliente, err := dapr.NewClientWithAddressContext(ctx, address) // gives up after 5 s
		if err == nil {
			return cliente, nil
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

// Comprobacion asks something that the program needs whether it answers.
type Comprobacion func(ctx context.Context) error

// Rutas gives a router with /healthz, which depends on nothing (docs/adr/health-does-not-feed-back.md: an unhealthy app loses its
// subscriptions), and /readyz, which asks the sidecar and each of necesita, at most once a second for all who want to know. A variable of a path may have any character:
// an escaped slash does not end it.
//
// All else is answered only to the program's own sidecar, which says the app API token; abiertas are paths for anyone.
func (c Config) Rutas(necesita map[string]Comprobacion, abiertas ...string) *mux.Router {
	rutas := c.RutasPublicas(necesita)
	abiertas = append(abiertas, "/healthz", "/readyz")
	rutas.Use(func(siguiente http.Handler) http.Handler {
		soloSidecar := c.SoloSidecar(siguiente)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if slices.Contains(abiertas, r.URL.Path) {
				siguiente.ServeHTTP(w, r)
				return
			}
			soloSidecar.ServeHTTP(w, r)
		})
	})
	return rutas
}

// cabeceraDeToken is where Dapr puts a token, in both directions.
const cabeceraDeToken = "dapr-api-token" // #nosec G101 -- a header's name

// SoloSidecar lets only the program's own sidecar through to siguiente; anyone where no app API token is set.
func (c Config) SoloSidecar(siguiente http.Handler) http.Handler {
	if c.TokenApp == "" {
		return siguiente
	}
	return rest.Ruta(func(w http.ResponseWriter, r *http.Request) error {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get(cabeceraDeToken)), []byte(c.TokenApp)) != 1 {
			return errores.Nuevo(errores.SinIdentidad, "Este servicio atiende solo a su propio sidecar. Use la interfaz pública.")
		}
		siguiente.ServeHTTP(w, r)
		return nil
	})
}

// RutasPublicas is Rutas for a program whose routes are for everybody.
func (c Config) RutasPublicas(necesita map[string]Comprobacion) *mux.Router {
	// A path is taken as it is written: one with // or dots in it is no route. A redirect, which is what the router does with it
	// otherwise, makes a client send a POST again as a GET.
	rutas := mux.NewRouter().UseEncodedPath().SkipClean(true)
	rutas.NotFoundHandler = rest.Ruta(func(_ http.ResponseWriter, r *http.Request) error {
		return errores.Nuevo(errores.NoEncontrado, "No existe la ruta %s.", r.URL.Path)
	})
	rutas.MethodNotAllowedHandler = rest.Ruta(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", strings.Join(admitidos(rutas, r), ", "))
		return errores.Nuevo(errores.NoPermitido, "La ruta %s no admite %s.", r.URL.Path, r.Method)
	})
	rutas.Use(conTraza, conVariables)
	rutas.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }).Methods(http.MethodGet)
	estado := c.ready(necesita)
	rutas.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := estado.now(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}).Methods(http.MethodGet)
	return rutas
}

// admitidos are the methods with which rutas has what r asks for.
func admitidos(rutas *mux.Router, r *http.Request) (metodos []string) {
	for _, metodo := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		otra := r.Clone(r.Context())
		otra.Method = metodo
		var hay mux.RouteMatch
		if rutas.Match(otra, &hay) && hay.MatchErr == nil {
			metodos = append(metodos, metodo)
		}
	}
	return metodos
}

// conTraza puts the caller's trace into the request's context.
func conTraza(siguiente http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		siguiente.ServeHTTP(w, r.WithContext(registro.ConTraza(r.Context(), r.Header.Get("traceparent"))))
	})
}

// conVariables takes the escaping off the path's variables, which UseEncodedPath leaves on.
func conVariables(siguiente http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for nombre, valor := range mux.Vars(r) {
			if claro, err := url.PathUnescape(valor); err == nil {
				mux.Vars(r)[nombre] = claro
			}
		}
		siguiente.ServeHTTP(w, r)
	})
}

// Repetir calls f every cada until ctx ends. What f returns is logged: the next turn tries again.
func Repetir(ctx context.Context, cada time.Duration, que string, f func(ctx context.Context) error) {
	reloj := time.NewTicker(cada)
	defer reloj.Stop()
	for {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "tarea periódica", "tarea", que, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-reloj.C:
		}
	}
}
