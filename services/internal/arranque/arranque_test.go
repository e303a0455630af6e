package arranque_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"entregas/services/internal/arranque"
	"entregas/services/internal/registro"
	"entregas/services/internal/rest"
)

func pedir(rutas http.Handler, metodo, ruta string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	rutas.ServeHTTP(w, httptest.NewRequest(metodo, ruta, http.NoBody))
	return w
}

// docs/adr/health-does-not-feed-back.md: /healthz is well whatever is missing; /readyz says what is missing.
func TestSalud(t *testing.T) {
	estado := http.StatusNoContent
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1.0/healthz/outbound" {
			t.Errorf("se preguntó %s", r.URL.Path)
		}
		w.WriteHeader(estado)
	}))
	defer sidecar.Close()
	direccion, _ := url.Parse(sidecar.URL)
	var faltaLaBase error
	for _, c := range []struct {
		nombre  string
		sidecar int
		base    error
		listo   int
		dice    string
	}{
		{"all there", http.StatusNoContent, nil, http.StatusOK, ""},
		{"no database", http.StatusNoContent, errors.New("clave: secreta"), http.StatusServiceUnavailable, "la base de datos no responde"},
		{"the sidecar is not ready", http.StatusInternalServerError, nil, http.StatusServiceUnavailable, "sidecar"},
	} {
		estado, faltaLaBase = c.sidecar, c.base
		rutas := arranque.Config{DaprHTTP: direccion.Port()}.Rutas(map[string]arranque.Comprobacion{
			"la base de datos": func(context.Context) error { return faltaLaBase },
		})
		if w := pedir(rutas, "GET", "/healthz"); w.Code != http.StatusOK {
			t.Errorf("%s: /healthz %d", c.nombre, w.Code)
		}
		w := pedir(rutas, "GET", "/readyz")
		if w.Code != c.listo || !strings.Contains(w.Body.String(), c.dice) || strings.Contains(w.Body.String(), "secreta") {
			t.Errorf("%s: /readyz %d %s", c.nombre, w.Code, w.Body)
		}
	}
}

func TestRutas(t *testing.T) {
	rutas := arranque.Config{}.Rutas(nil)
	rutas.HandleFunc("/productos/{id}", func(w http.ResponseWriter, r *http.Request) {
		rest.Escribir(w, http.StatusOK, []string{mux.Vars(r)["id"], registro.Traza(r.Context())})
	}).Methods(http.MethodGet)
	rutas.HandleFunc("/productos/{id}", func(http.ResponseWriter, *http.Request) {}).Methods(http.MethodPost)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/productos/a%2Fb%20%C3%B1", http.NoBody)
	r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	rutas.ServeHTTP(w, r)
	if got := strings.TrimSpace(w.Body.String()); got != `["a/b ñ","00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]` {
		t.Errorf("%s", got)
	}
	for ruta, c := range map[string]struct {
		metodo string
		estado int
		admite string
	}{"/nada": {"GET", http.StatusNotFound, ""}, "/productos/1": {"DELETE", http.StatusMethodNotAllowed, "GET, POST"}} {
		w := pedir(rutas, c.metodo, ruta)
		var p rest.Problema
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.estado || !strings.Contains(p.Detail, ruta) {
			t.Errorf("%s %s: %d %s", c.metodo, ruta, w.Code, w.Body)
		}
		if w.Header().Get("Allow") != c.admite {
			t.Errorf("%s %s: Allow %q", c.metodo, ruta, w.Header().Get("Allow"))
		}
	}
}

// A program answers only its own sidecar, which knows the token; its health, and what it opens, it tells anybody.
func TestSoloElSidecar(t *testing.T) {
	hecho := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
	for _, c := range []struct {
		nombre, token, dice, ruta string
		estado                    int
	}{
		{"the sidecar", "secreto", "secreto", "/compras", http.StatusOK},
		{"nobody", "secreto", "", "/compras", http.StatusUnauthorized},
		{"another", "secreto", "secreta", "/compras", http.StatusUnauthorized},
		{"nobody, health", "secreto", "", "/healthz", http.StatusOK},
		{"nobody, what is open", "secreto", "", "/metrics", http.StatusOK},
		{"nobody where no token is set", "", "", "/compras", http.StatusOK},
	} {
		rutas := arranque.Config{TokenApp: c.token}.Rutas(nil, "/metrics")
		rutas.HandleFunc("/compras", hecho)
		rutas.HandleFunc("/metrics", hecho)
		r := httptest.NewRequest(http.MethodGet, c.ruta, http.NoBody)
		r.Header.Set("dapr-api-token", c.dice)
		w := httptest.NewRecorder()
		rutas.ServeHTTP(w, r)
		if w.Code != c.estado {
			t.Errorf("%s: %d %s", c.nombre, w.Code, w.Body)
		}
	}
}

// A stop finishes what is under way, for as long as it may.
func TestLaParadaTerminaLoQueEstaEnCurso(t *testing.T) {
	for nombre, c := range map[string]struct {
		plazo   time.Duration
		termina bool
	}{"in time": {5 * time.Second, true}, "not in time": {50 * time.Millisecond, false}} {
		t.Run(nombre, func(t *testing.T) {
			cfg := arranque.Config{Direccion: "127.0.0.1", Puerto: puertoLibre(t), PlazoParada: c.plazo}
			empezo, seguir := make(chan struct{}), make(chan struct{})
			rutas := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(empezo)
				select {
				case <-seguir:
				case <-r.Context().Done():
				}
			})
			ctx, parar := context.WithCancel(context.Background())
			fin := make(chan error, 1)
			go func() { fin <- cfg.Servir(ctx, rutas) }()
			respondio := make(chan error, 1)
			go func() { respondio <- llamar("http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.Puerto))) }()
			<-empezo
			parar()
			time.Sleep(20 * time.Millisecond)
			if c.termina {
				close(seguir)
			}
			if err := <-respondio; (err == nil) != c.termina {
				t.Errorf("la petición en curso: %v", err)
			}
			if err := <-fin; (err == nil) != c.termina {
				t.Errorf("la parada: %v", err)
			}
		})
	}
}

func TestUnPuertoTomado(t *testing.T) {
	oyente, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = oyente.Close() }()
	cfg := arranque.Config{Direccion: "127.0.0.1", Puerto: oyente.Addr().(*net.TCPAddr).Port}
	if err := cfg.Servir(context.Background(), http.NotFoundHandler()); err == nil {
		t.Error("sirve en un puerto tomado")
	}
}

func TestRepetir(t *testing.T) {
	ctx, parar := context.WithCancel(context.Background())
	veces := 0
	arranque.Repetir(ctx, time.Millisecond, "contar", func(context.Context) error {
		if veces++; veces == 5 {
			parar()
		}
		return errors.New("no ha terminado") // a failure does not end it
	})
	if veces != 5 {
		t.Errorf("%d veces", veces)
	}
}

func puertoLibre(t *testing.T) int {
	t.Helper()
	oyente, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = oyente.Close() }()
	return oyente.Addr().(*net.TCPAddr).Port
}

// llamar asks until somebody listens.
func llamar(direccion string) error {
	for intento := 0; ; intento++ {
		r, err := http.Get(direccion) //nolint:gosec // a server of this test
		if err == nil {
			return r.Body.Close()
		}
		var alConectar *net.OpError
		if !errors.As(err, &alConectar) || alConectar.Op != "dial" || intento > 100 {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
