package dapr_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"

	"entregas/contracts"
	"entregas/services/bff/dapr"
	"entregas/services/internal/arranque"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

// gestorDePrueba answers as it is told, whatever it is asked.
type gestorDePrueba struct {
	*httptest.Server
	app      string // a name of its own: sidecars find each other by name over the whole machine
	responde atomic.Pointer[http.HandlerFunc]
	llamadas atomic.Int32
}

func nuevoGestor(t *testing.T) *gestorDePrueba {
	g := &gestorDePrueba{app: "gestor-compra-" + strings.ToLower(rand.Text())}
	g.dice(lista)
	rutas := arranque.Config{}.Rutas(nil)
	rutas.PathPrefix("/").HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.llamadas.Add(1)
		(*g.responde.Load())(w, r)
	})
	g.Server = httptest.NewServer(rutas)
	t.Cleanup(g.Close)
	return g
}

func (g *gestorDePrueba) dice(f http.HandlerFunc) { g.responde.Store(&f) }

func (g *gestorDePrueba) falla(err error) {
	g.dice(func(w http.ResponseWriter, r *http.Request) { rest.EscribirError(w, r, err) })
}

func lista(w http.ResponseWriter, _ *http.Request) {
	rest.Escribir(w, http.StatusOK, []contracts.Compra{{ID: "una"}})
}

// imitacion stands in for two sidecars: it takes off one layer of escaping, as they do, and hands on.
func imitacion(t *testing.T, g *gestorDePrueba) (puertoHTTP string) {
	s := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			metodo := strings.TrimPrefix(p.In.URL.Path, "/v1.0/invoke/"+g.app+"/method")
			destino, err := url.Parse(g.URL + metodo)
			if err != nil {
				t.Error(err)
				return
			}
			destino.RawQuery = p.In.URL.RawQuery
			p.Out.URL = destino
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			rest.Escribir(w, http.StatusInternalServerError, map[string]string{"errorCode": "ERR_DIRECT_INVOKE"})
		},
	})
	t.Cleanup(s.Close)
	return puerto(t, s)
}

// real is a sidecar for gestor-compra and one for who calls it, with the resiliency that they run with.
func real(t *testing.T, g *gestorDePrueba) (puertoHTTP string) {
	app, err := strconv.Atoi(puerto(t, g.Server))
	if err != nil {
		t.Fatal(err)
	}
	recursos := t.TempDir()
	texto, err := os.ReadFile("../../components/resiliency.yaml")
	if err != nil {
		t.Fatal(err)
	}
	texto = bytes.ReplaceAll(texto, []byte("gestor-compra:"), []byte(g.app+":"))
	texto = bytes.ReplaceAll(texto, []byte("- bff"), []byte("- bff-de-"+g.app))
	if err := os.WriteFile(filepath.Join(recursos, "resiliency.yaml"), texto, 0o600); err != nil {
		t.Fatal(err)
	}
	sidecar(t, g.app, app, t.TempDir())
	puertoHTTP, _ = sidecar(t, "bff-de-"+g.app, 0, recursos)
	return puertoHTTP
}

func puerto(t *testing.T, s *httptest.Server) string {
	t.Helper()
	_, puerto, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return puerto
}

func TestInvocar(t *testing.T) {
	for nombre, medio := range map[string]func(*testing.T, *gestorDePrueba) string{"imitación": imitacion, "Dapr": real} {
		t.Run(nombre, func(t *testing.T) {
			g := nuevoGestor(t)
			puertoHTTP := medio(t, g)
			nuevo := func() dapr.Gestor { return dapr.Gestor{Servicio: dapr.NuevoServicio(g.app, puertoHTTP, "")} }
			t.Run("lo que va y lo que vuelve", func(t *testing.T) { idaYVuelta(t, g, nuevo()) })
			t.Run("una respuesta no es un silencio", func(t *testing.T) { respuestas(t, g, nuevo()) })
			if nombre == "Dapr" {
				t.Run("tarda demasiado", func(t *testing.T) { tarda(t, g, nuevo()) })
			}
			t.Run("no responde", func(t *testing.T) { silencio(t, g, nuevo) })
		})
	}
}

func idaYVuelta(t *testing.T, g *gestorDePrueba, gestor dapr.Gestor) {
	for _, usuario := range []string{"ana", "a/b", "..", ".", "50% ? # ñ", "a||b", "ana@los.alpes", "%2F", "a+b c"} {
		var llego, consulta string
		g.dice(func(w http.ResponseWriter, r *http.Request) {
			llego, consulta = r.URL.EscapedPath(), r.URL.RawQuery
			w.Header().Set("Link", `</usuarios/x/compras?limite=7&despues=c%2Fd>; rel="next"`)
			lista(w, r)
		})
		pagina, err := gestor.DeUsuario(t.Context(), usuario, 7, "a&b")
		if err != nil || len(pagina.Compras) != 1 || pagina.Siguiente != "c/d" {
			t.Errorf("%q: %+v, %v", usuario, pagina, err)
		}
		partes := strings.Split(llego, "/")
		if len(partes) != 4 {
			t.Errorf("%q llegó como %s", usuario, llego)
			continue
		}
		if claro, err := url.PathUnescape(partes[2]); err != nil || claro != usuario || consulta != "despues=a%26b&limite=7" {
			t.Errorf("%q llegó como %s?%s", usuario, llego, consulta)
		}
	}
}

func respuestas(t *testing.T, g *gestorDePrueba, gestor dapr.Gestor) {
	for codigo, err := range map[errores.Codigo]error{
		errores.NoEncontrado: errores.Nuevo(errores.NoEncontrado, "no existe"),
		errores.Conflicto:    errores.Nuevo(errores.Conflicto, "no existe"),
		errores.Invalido:     errores.Nuevo(errores.Invalido, "no existe"),
		errores.Interno:      errores.Nuevo(errores.Interno, "no existe"),
	} {
		g.falla(err)
		for range 5 {
			_, err := gestor.Leer(t.Context(), "x")
			var propio *errores.Error
			if errores.De(err) != codigo || !errors.As(err, &propio) || propio.Mensaje != "no existe" {
				t.Fatalf("%v, quiero %s", err, codigo)
			}
		}
	}
	g.dice(lista)
	if _, err := gestor.DeUsuario(t.Context(), "ana", 1, ""); err != nil {
		t.Errorf("después de muchas respuestas así ya no se le llama: %v", err)
	}
}

// loQueTarda is far more than a call may take.
const loQueTarda = 5 * time.Second

// pedir tells how long one call took.
func pedir(t *testing.T, gestor dapr.Gestor) (time.Duration, error) {
	inicio := time.Now()
	_, err := gestor.DeUsuario(t.Context(), "ana", 1, "")
	return time.Since(inicio), err
}

// After three calls without an answer it is not called for five seconds.
func tarda(t *testing.T, g *gestorDePrueba, gestor dapr.Gestor) {
	g.dice(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(loQueTarda):
		}
		lista(w, r)
	})
	for range 3 {
		if tardo, err := pedir(t, gestor); errores.De(err) != errores.NoDisponible || tardo > loQueTarda {
			t.Fatalf("%v en %s", err, tardo)
		}
	}
	antes := g.llamadas.Load()
	if tardo, err := pedir(t, gestor); errores.De(err) != errores.NoDisponible || g.llamadas.Load() != antes {
		t.Errorf("a la cuarta: %v en %s", err, tardo)
	}
	g.dice(lista)
	time.Sleep(5100 * time.Millisecond)
	if _, err := pedir(t, gestor); err != nil {
		t.Errorf("cinco segundos después: %v", err)
	}
}

func silencio(t *testing.T, g *gestorDePrueba, nuevo func() dapr.Gestor) {
	g.falla(errores.Nuevo(errores.NoDisponible, "sin base de datos"))
	if _, err := pedir(t, nuevo()); errores.De(err) != errores.NoDisponible {
		t.Errorf("un 503 suyo: %v", err)
	}
	g.dice(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	if _, err := pedir(t, nuevo()); errores.De(err) != errores.NoDisponible {
		t.Errorf("un 502 sin más: %v", err)
	}
	for _, cortada := range []string{"", `[{"id":"una"`} { // its sidecar's time ran out while it answered
		g.dice(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(cortada)) })
		if _, err := pedir(t, nuevo()); errores.De(err) != errores.NoDisponible {
			t.Errorf("un 200 con %q: %v", cortada, err)
		}
	}
	g.Close()
	gestor := nuevo()
	for range 4 {
		if tardo, err := pedir(t, gestor); errores.De(err) != errores.NoDisponible || tardo > loQueTarda {
			t.Errorf("parado: %v en %s", err, tardo)
		}
	}
	ctx, soltar := context.WithCancel(t.Context())
	soltar()
	gestor = nuevo()
	for range 5 { // customers who leave are not the service's silence
		_, _ = gestor.DeUsuario(ctx, "ana", 1, "")
	}
	if _, err := gestor.DeUsuario(t.Context(), "ana", 1, ""); errors.Is(err, gobreaker.ErrOpenState) {
		t.Error("quienes se van cortan a los demás")
	}
}
