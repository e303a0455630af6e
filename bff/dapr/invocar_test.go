package dapr_test

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"errors"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/bff/dapr"
	"entregas/services/internal/api/adminproductos"
	"entregas/services/internal/api/gestorcompra"
	"entregas/services/internal/api/monitor"
	"entregas/services/internal/api/ordenes"
	"entregas/services/internal/arranque"
	"entregas/services/internal/errores"
	"entregas/services/internal/registro"
	"entregas/services/internal/rest"
)

// gestorDePrueba answers as it is told, whatever it is asked.
type gestorDePrueba struct {
	*httptest.Server
	app      string // a name of its own: sidecars find each other by name over the whole machine
	responde atomic.Pointer[http.HandlerFunc]
	llamadas atomic.Int32
	hangs    atomic.Bool // it answers nothing at all, its health neither
}

func nuevoGestor(t *testing.T) *gestorDePrueba {
	g := &gestorDePrueba{app: "gestor-compra-" + strings.ToLower(crand.Text())}
	g.dice(lista)
	rutas := arranque.Config{}.Rutas(nil)
	rutas.PathPrefix("/").HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.llamadas.Add(1)
		(*g.responde.Load())(w, r)
	})
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.hangs.Load() {
			<-r.Context().Done()
			return
		}
		rutas.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gestorDePrueba) dice(f http.HandlerFunc) { g.responde.Store(&f) }

func (g *gestorDePrueba) falla(err error) {
	g.dice(func(w http.ResponseWriter, r *http.Request) { rest.EscribirError(w, r, err) })
}

func lista(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/productos" {
		rest.Escribir(w, http.StatusOK, []contracts.Producto{})
		return
	}
	rest.Escribir(w, http.StatusOK, contracts.PaginaDeCompras{Compras: []contracts.Compra{{SolicitudCompra: contracts.SolicitudCompra{ID: "una"}}}, Siguiente: "c/d"})
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

// real is a sidecar for gestor-compra and one for its caller, with the resiliency that they run with.
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
			t.Parallel()
			g := nuevoGestor(t)
			puertoHTTP := medio(t, g)
			nuevo := func() dapr.Gestor { return dapr.Gestor{Servicio: dapr.NuevoServicio(g.app, puertoHTTP, "")} }
			t.Run("lo que va y lo que vuelve", func(t *testing.T) { idaYVuelta(t, g, nuevo()) })
			t.Run("every operation", func(t *testing.T) { everyOperation(t, g, nuevo()) })
			t.Run("whatever passes the door", func(t *testing.T) { whateverPasses(t, g, nuevo()) })
			t.Run("the largest that is asked", func(t *testing.T) { largest(t, g, nuevo()) })
			t.Run("una respuesta no es un silencio", func(t *testing.T) { respuestas(t, g, nuevo()) })
			if nombre == "Dapr" {
				t.Run("tarda demasiado", func(t *testing.T) { tarda(t, g, nuevo()) })
			}
			t.Run("una llamada no prueba nada", func(t *testing.T) { oneCallIsNoEvidence(t, g, nuevo()) })
			t.Run("no responde", func(t *testing.T) { silencio(t, g, nuevo()) })
		})
	}
}

func idaYVuelta(t *testing.T, g *gestorDePrueba, gestor dapr.Gestor) {
	for _, usuario := range []string{"ana", "a/b", "..", ".", "", "50% ? # ñ", "a||b", "ana@los.alpes", "%2F", "a+b c", "a,b"} {
		var path string
		var query url.Values
		g.dice(func(w http.ResponseWriter, r *http.Request) {
			path, query = r.URL.EscapedPath(), r.URL.Query()
			lista(w, r)
		})
		pagina, err := gestor.DeUsuario(t.Context(), usuario, 7, "a&b")
		if err != nil || len(pagina.Compras) != 1 || pagina.Siguiente != "c/d" {
			t.Errorf("%q: %+v, %v", usuario, pagina, err)
		}
		want := url.Values{"id_usuario": {usuario}, "limite": {"7"}, "despues": {"a&b"}}
		if path != "/compras" || !maps.EqualFunc(query, want, slices.Equal) {
			t.Errorf("%q came as %s?%v", usuario, path, query)
		}
	}
}

// unused are the operations that the bff does not call.
var unused = []string{"GET /usuarios/{id}/compras", "GET /usuarios/{id}/ordenes"}

// everyOperation calls each operation of the four services with ids that paths have a meaning for: each comes to its route, with the
// id as it was.
func everyOperation(t *testing.T, g *gestorDePrueba, gestor dapr.Gestor) {
	var operation, id string
	record := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			template, err := mux.CurrentRoute(r).GetPathTemplate()
			if err != nil {
				t.Error(err)
			}
			operation, id = r.Method+" "+template, mux.Vars(r)["id"]
			rest.Escribir(w, http.StatusOK, nil)
		})
	}
	routes := arranque.Config{}.Rutas(nil)
	gestorcompra.HandlerWithOptions(nil, gestorcompra.GorillaServerOptions{BaseRouter: routes, Middlewares: []gestorcompra.MiddlewareFunc{record}})
	adminproductos.HandlerWithOptions(nil, adminproductos.GorillaServerOptions{BaseRouter: routes, Middlewares: []adminproductos.MiddlewareFunc{record}})
	ordenes.HandlerWithOptions(nil, ordenes.GorillaServerOptions{BaseRouter: routes, Middlewares: []ordenes.MiddlewareFunc{record}})
	monitor.HandlerWithOptions(nil, monitor.GorillaServerOptions{BaseRouter: routes, Middlewares: []monitor.MiddlewareFunc{record}})
	g.dice(routes.ServeHTTP)

	warehouse, orders, queues := dapr.Productos(gestor), dapr.Ordenes(gestor), dapr.Monitor(gestor)
	called := map[string]bool{}
	for _, one := range []string{"01938f5e-7c1a-7000-8000-000000000001", "a/b", "..", ".", "50% ? # ñ", "a||b", "ana@los.alpes", "%2F", "a+b c", "a,b", ";"} {
		for want, call := range map[string]func(ctx context.Context){
			"POST /compras":                          func(ctx context.Context) { _, _ = gestor.Crear(ctx, contracts.SolicitudCompra{}) },
			"GET /compras":                           func(ctx context.Context) { _, _ = gestor.Buscar(ctx, contracts.FiltroCompras{}, 1, "") },
			"GET /compras/{id}":                      func(ctx context.Context) { _, _ = gestor.Leer(ctx, one) },
			"POST /compras/{id}/cancelacion":         func(ctx context.Context) { _, _, _ = gestor.Cancelar(ctx, one, "") },
			"POST /compras/{id}/aprobacion":          func(ctx context.Context) { _, _ = gestor.Aprobar(ctx, one, true, "") },
			"POST /compras/{id}/reintento":           func(ctx context.Context) { _, _ = gestor.Reintentar(ctx, one) },
			"GET /compras/{id}/mensajes":             func(ctx context.Context) { _, _ = gestor.Mensajes(ctx, one) },
			"GET /resumen":                           func(ctx context.Context) { _, _ = gestor.Resumen(ctx, 1) },
			"GET /productos":                         func(ctx context.Context) { _, _ = warehouse.Listar(ctx, one) },
			"GET /productos/{id}":                    func(ctx context.Context) { _, _ = warehouse.Leer(ctx, one) },
			"POST /productos/{id}/reposicion":        func(ctx context.Context) { _, _ = warehouse.Reponer(ctx, one, 1, "k") },
			"GET /balance":                           func(ctx context.Context) { _, _ = warehouse.Balance(ctx) },
			"GET /ordenes/{id}":                      func(ctx context.Context) { _, _ = orders.Leer(ctx, one) },
			"POST /ordenes/{id}/despacho":            func(ctx context.Context) { _, _ = orders.Despachar(ctx, one) },
			"GET /colas":                             func(ctx context.Context) { _, _ = queues.Colas(ctx, 1) },
			"GET /mensajes-muertos":                  func(ctx context.Context) { _, _ = queues.Muertos(ctx) },
			"POST /mensajes-muertos/{id}/reposicion": func(ctx context.Context) { _, _ = queues.ReponerMuerto(ctx, one) },
			"POST /mensajes-muertos/{id}/apartado":   func(ctx context.Context) { _, _ = queues.SetAside(ctx, one) },
		} {
			operation, id = "", one
			if call(t.Context()); operation != want || strings.Contains(want, "{id}") && id != one {
				t.Errorf("%s with %q came as %s with %q", want, one, operation, id)
			}
			called[want] = true
		}
	}
	err := routes.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		template, err := route.GetPathTemplate()
		methods, _ := route.GetMethods()
		for _, method := range methods {
			if one := method + " " + template; !called[one] && !slices.Contains(append(unused, "GET /healthz", "GET /readyz"), one) {
				t.Errorf("nothing calls %s: write it here, or among those that are unused", one)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// largest asks with the most that the public door lets through: each part as long as it may be, of what escaping makes longest.
func largest(t *testing.T, g *gestorDePrueba, gestor dapr.Gestor) {
	usuario, despues := strings.Repeat("\U0001F999", contracts.MaxIdentificador), strings.Repeat("%", 256)
	domicilio := true
	filtro := contracts.FiltroCompras{Estados: slices.Repeat(contracts.Estados, 300), IDUsuario: usuario, Domicilio: &domicilio}
	var query url.Values
	g.dice(func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Query()
		lista(w, r)
	})
	if _, err := gestor.DeUsuario(t.Context(), usuario, 100, despues, filtro.Estados...); err != nil || query.Get("id_usuario") != usuario {
		t.Errorf("a customer's list: %v, %v", err, query)
	}
	if _, err := gestor.Buscar(t.Context(), filtro, 100, despues); err != nil || query.Get("despues") != despues || len(query["estado"]) != len(contracts.Estados) {
		t.Errorf("everybody's list: %v, %v", err, query)
	}
}

// whateverPasses calls with arbitrary texts that the public door takes, in the trace that an arbitrary header asks for: the sidecars
// refuse none of it. The same seed gives the same texts.
func whateverPasses(t *testing.T, g *gestorDePrueba, gestor dapr.Gestor) {
	g.dice(lista)
	productos := dapr.Productos(gestor)
	random := rand.New(rand.NewPCG(13, 0)) //nolint:gosec // a test's own numbers
	text := func(most int) string {
		b := make([]byte, random.IntN(most))
		for i := range b {
			b[i] = byte(random.IntN(256))
		}
		runes := make([]rune, random.IntN(most))
		for i := range runes {
			runes[i] = rune(random.IntN(0x1FB00))
		}
		if random.IntN(2) == 0 {
			return string(b)
		}
		return string(runes)
	}
	identifier := func() string { // about one text in a few is one
		for {
			var v contracts.Validador
			one := text(contracts.MaxIdentificador + 1)
			if v.Identificador("id", one); v.Error() == nil {
				return one
			}
		}
	}
	header := func() string {
		if random.IntN(2) == 0 {
			return "00-" + text(40) + "-" + text(20) + "-01"
		}
		return text(200)
	}
	for range 500 {
		ctx, id := registro.ConTraza(t.Context(), header()), identifier()
		if _, err := gestor.DeUsuario(ctx, id, 1, text(64)); err != nil {
			t.Fatalf("%q in the trace %q: %v", id, registro.Traza(ctx), err)
		}
		if _, err := productos.Listar(ctx, id); err != nil {
			t.Fatalf("%q in the trace %q: %v", id, registro.Traza(ctx), err)
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

// soon polls until true, and fails after longEnough.
func soon(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	const longEnough = 20 * time.Second
	for limit := time.Now().Add(longEnough); !isTrue(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s: not within %s", what, longEnough)
		}
	}
}

// Calls that the service is slow to answer cost time to their callers only.
func tarda(t *testing.T, g *gestorDePrueba, gestor dapr.Gestor) {
	g.dice(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(loQueTarda):
		}
		lista(w, r)
	})
	for range 4 {
		antes := g.llamadas.Load()
		if tardo, err := pedir(t, gestor); errores.De(err) != errores.NoDisponible || tardo > loQueTarda || g.llamadas.Load() != antes+1 {
			t.Fatalf("%v en %s", err, tardo)
		}
	}
	g.dice(lista)
	if _, err := pedir(t, gestor); err != nil {
		t.Errorf("después de cuatro que tardan demasiado: %v", err)
	}
}

// What a service, or a sidecar on the way, makes of one call says nothing about the next.
func oneCallIsNoEvidence(t *testing.T, g *gestorDePrueba, gestor dapr.Gestor) {
	for name, answer := range map[string]http.HandlerFunc{
		"its own 503": func(w http.ResponseWriter, r *http.Request) {
			rest.EscribirError(w, r, errores.Nuevo(errores.NoDisponible, "no"))
		},
		"a bare 502":               func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"a bare 429":               func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"an empty 200":             func(http.ResponseWriter, *http.Request) {}, // its sidecar's time ran out while it answered
		"a cut 200":                func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"compras":[{"id":"una"`)) },
		"a connection that breaks": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a header that is too large": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "<"+strings.Repeat("x", 64<<10)+`>; rel="next"`)
			lista(w, r)
		},
		"a header with a broken byte": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "<\xff>")
			lista(w, r)
		},
	} {
		g.dice(answer)
		for range 5 {
			if _, err := pedir(t, gestor); err != nil && errores.De(err) != errores.NoDisponible {
				t.Errorf("%s: %v", name, err)
			}
		}
		g.dice(lista)
		if _, err := pedir(t, gestor); err != nil {
			t.Errorf("the next call after %s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 5 { // customers who leave
		_, _ = gestor.DeUsuario(ctx, "ana", 1, "")
	}
	if _, err := pedir(t, gestor); err != nil {
		t.Errorf("the next call after customers who left: %v", err)
	}
}

// A service that does not answer its probe is not called, until it answers.
func silencio(t *testing.T, g *gestorDePrueba, gestor dapr.Gestor) {
	isSilent := func() bool {
		before := g.llamadas.Load()
		tardo, err := pedir(t, gestor)
		return errores.De(err) == errores.NoDisponible && strings.Contains(err.Error(), "salud") && tardo < time.Second && g.llamadas.Load() == before
	}
	answers := func() bool { _, err := pedir(t, gestor); return err == nil }
	g.hangs.Store(true)
	soon(t, "a service that hangs is silent", isSilent)
	g.hangs.Store(false)
	soon(t, "it is called again", answers)
	g.Close()
	soon(t, "a service that is gone is silent", isSilent)
	for range 4 {
		if tardo, err := pedir(t, gestor); errores.De(err) != errores.NoDisponible || tardo > loQueTarda {
			t.Errorf("parado: %v en %s", err, tardo)
		}
	}
}
