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

	"entregas/bff/dapr"
	"entregas/contracts"
	"entregas/internal/api/adminproductos"
	"entregas/internal/api/avisos"
	"entregas/internal/api/gestorcompra"
	"entregas/internal/api/monitor"
	"entregas/internal/api/ordenes"
	"entregas/internal/app"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/internal/rest"
)

// testManager answers every request by the function that was set with its method says.
type testManager struct {
	*httptest.Server
	app     string // a name of its own: sidecars find each other by name over the whole machine
	replies atomic.Pointer[http.HandlerFunc]
	calls   atomic.Int32
	hangs   atomic.Bool // whether it answers no request at all, not even a health check
}

func newManager(t *testing.T) *testManager {
	g := &testManager{app: "gestor-compra-" + strings.ToLower(crand.Text())}
	g.says(list)
	routes := app.Config{}.Routes(nil)
	routes.PathPrefix("/").HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.calls.Add(1)
		(*g.replies.Load())(w, r)
	})
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.hangs.Load() {
			<-r.Context().Done()
			return
		}
		routes.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *testManager) says(f http.HandlerFunc) { g.replies.Store(&f) }

func (g *testManager) failure(err error) {
	g.says(func(w http.ResponseWriter, r *http.Request) { rest.WriteError(w, r, err) })
}

func list(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/productos" {
		rest.Write(w, http.StatusOK, []contracts.Producto{})
		return
	}
	rest.Write(w, http.StatusOK, contracts.PaginaDeCompras{Compras: []contracts.Compra{{SolicitudCompra: contracts.SolicitudCompra{ID: "una"}}}, Siguiente: "c/d"})
}

// imitation stands in for two sidecars. Like them it removes one layer of escaping and forwards the request.
func imitation(t *testing.T, g *testManager) (httpPort string) {
	s := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			method := strings.TrimPrefix(p.In.URL.Path, "/v1.0/invoke/"+g.app+"/method")
			target, err := url.Parse(g.URL + method)
			if err != nil {
				t.Error(err)
				return
			}
			target.RawQuery = p.In.URL.RawQuery
			p.Out.URL = target
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			rest.Write(w, http.StatusInternalServerError, map[string]string{"errorCode": "ERR_DIRECT_INVOKE"})
		},
	})
	t.Cleanup(s.Close)
	return daprPort(t, s)
}

// real starts a sidecar for gestor-compra and one for its caller, with the resiliency of production.
func real(t *testing.T, g *testManager) (httpPort string) {
	app, err := strconv.Atoi(daprPort(t, g.Server))
	if err != nil {
		t.Fatal(err)
	}
	resources := t.TempDir()
	text, err := os.ReadFile("../../components/resiliency.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("gestor-compra:"), []byte(g.app+":"))
	text = bytes.ReplaceAll(text, []byte("- bff"), []byte("- bff-de-"+g.app))
	if err := os.WriteFile(filepath.Join(resources, "resiliency.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	sidecar(t, g.app, app, t.TempDir())
	httpPort, _ = sidecar(t, "bff-de-"+g.app, 0, resources)
	return httpPort
}

func daprPort(t *testing.T, s *httptest.Server) string {
	t.Helper()
	_, daprPort, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return daprPort
}

func TestInvoke(t *testing.T) {
	for name, means := range map[string]func(*testing.T, *testManager) string{"imitation": imitation, "Dapr": real} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newManager(t)
			httpPort := means(t, g)
			freshManager := func() dapr.Manager { return dapr.Manager{Service: dapr.NewService(g.app, httpPort, "")} }
			t.Run("a request and its answer", func(t *testing.T) { roundTrip(t, g, freshManager()) })
			t.Run("every operation", func(t *testing.T) { everyOperation(t, g, freshManager()) })
			t.Run("whatever passes the door", func(t *testing.T) { whateverPasses(t, g, freshManager()) })
			t.Run("the largest that is asked", func(t *testing.T) { largest(t, g, freshManager()) })
			t.Run("an answer is no silence", func(t *testing.T) { replies(t, g, freshManager()) })
			if name == "Dapr" {
				t.Run("takes too long", func(t *testing.T) { slow(t, g, freshManager()) })
			}
			t.Run("one call is no evidence", func(t *testing.T) { oneCallIsNoEvidence(t, g, freshManager()) })
			t.Run("no answer", func(t *testing.T) { neverAnswers(t, g, freshManager()) })
		})
	}
}

func roundTrip(t *testing.T, g *testManager, manager dapr.Manager) {
	for _, usuario := range []string{"ana", "a/b", "..", ".", "", "50% ? # ñ", "a||b", "ana@los.alpes", "%2F", "a+b c", "a,b"} {
		var path string
		var query url.Values
		g.says(func(w http.ResponseWriter, r *http.Request) {
			path, query = r.URL.EscapedPath(), r.URL.Query()
			list(w, r)
		})
		page, err := manager.OfUsuario(t.Context(), usuario, 7, "a&b")
		if err != nil || len(page.Compras) != 1 || page.Siguiente != "c/d" {
			t.Errorf("%q: %+v, %v", usuario, page, err)
		}
		want := url.Values{"id_usuario": {usuario}, "limite": {"7"}, "despues": {"a&b"}}
		if path != "/compras" || !maps.EqualFunc(query, want, slices.Equal) {
			t.Errorf("%q came as %s?%v", usuario, path, query)
		}
	}
}

// unused are the operations that the bff does not call.
var unused = []string{"GET /usuarios/{id}/compras", "GET /usuarios/{id}/ordenes"}

// everyOperation calls each operation of the services with ids that have a meaning in paths. Each call must reach its route
// with the id unchanged.
func everyOperation(t *testing.T, g *testManager, manager dapr.Manager) {
	var operation, id string
	record := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			template, err := mux.CurrentRoute(r).GetPathTemplate()
			if err != nil {
				t.Error(err)
			}
			operation, id = r.Method+" "+template, mux.Vars(r)["id"]
			rest.Write(w, http.StatusOK, nil)
		})
	}
	routes := app.Config{}.Routes(nil)
	gestorcompra.HandlerWithOptions(nil, gestorcompra.GorillaServerOptions{BaseRouter: routes, Middlewares: []gestorcompra.MiddlewareFunc{record}})
	adminproductos.HandlerWithOptions(nil, adminproductos.GorillaServerOptions{BaseRouter: routes, Middlewares: []adminproductos.MiddlewareFunc{record}})
	ordenes.HandlerWithOptions(nil, ordenes.GorillaServerOptions{BaseRouter: routes, Middlewares: []ordenes.MiddlewareFunc{record}})
	avisos.HandlerWithOptions(nil, avisos.GorillaServerOptions{BaseRouter: routes, Middlewares: []avisos.MiddlewareFunc{record}})
	monitor.HandlerWithOptions(nil, monitor.GorillaServerOptions{BaseRouter: routes, Middlewares: []monitor.MiddlewareFunc{record}})
	g.says(routes.ServeHTTP)

	warehouse, orders, queues := dapr.Productos(manager), dapr.Ordenes(manager), dapr.Monitor(manager)
	notices := dapr.Avisos(manager)
	called := map[string]bool{}
	for _, one := range []string{"01938f5e-7c1a-7000-8000-000000000001", "a/b", "..", ".", "50% ? # ñ", "a||b", "ana@los.alpes", "%2F", "a+b c", "a,b", ";"} {
		for want, call := range map[string]func(ctx context.Context){
			"POST /compras":                   func(ctx context.Context) { _, _ = manager.Create(ctx, contracts.SolicitudCompra{}) },
			"GET /compras":                    func(ctx context.Context) { _, _ = manager.Buscar(ctx, contracts.ComprasFilter{}, 1, "", true) },
			"GET /actos":                      func(ctx context.Context) { _, _ = manager.Actos(ctx, contracts.ActosQuery{}) },
			"GET /codigos/{codigo}":           func(ctx context.Context) { _, _ = manager.ByCodigo(ctx, one) },
			"GET /compras/{id}":               func(ctx context.Context) { _, _ = manager.Load(ctx, one) },
			"POST /compras/{id}/cancelacion":  func(ctx context.Context) { _, _, _ = manager.Cancelar(ctx, one, "") },
			"POST /compras/{id}/aprobacion":   func(ctx context.Context) { _, _ = manager.Aprobar(ctx, one, true, "") },
			"POST /compras/{id}/reintento":    func(ctx context.Context) { _, _ = manager.Reintentar(ctx, one) },
			"GET /compras/{id}/mensajes":      func(ctx context.Context) { _, _ = manager.Mensajes(ctx, one) },
			"POST /usuarios/{id}/borrado":     func(ctx context.Context) { _, _ = manager.Borrar(ctx, one) },
			"GET /resumen":                    func(ctx context.Context) { _, _ = manager.Resumen(ctx, 1) },
			"GET /productos":                  func(ctx context.Context) { _, _ = warehouse.List(ctx, one) },
			"GET /productos/{id}":             func(ctx context.Context) { _, _ = warehouse.Load(ctx, one) },
			"POST /productos/{id}/reposicion": func(ctx context.Context) { _, _ = warehouse.Reponer(ctx, one, 1, "k") },
			"GET /balance":                    func(ctx context.Context) { _, _ = warehouse.Balance(ctx, contracts.BalanceFilter{Buscar: one}, one) },
			"GET /productos/{id}/movimientos": func(ctx context.Context) { _, _ = warehouse.Movimientos(ctx, one, one, 1, one) },
			"POST /productos/{id}/correccion": func(ctx context.Context) { _, _ = warehouse.Corregir(ctx, one, contracts.Correccion{}, "k") },
			"POST /productos/{id}/umbral":     func(ctx context.Context) { _, _ = warehouse.CambiarUmbral(ctx, one, 1) },
			"POST /importacion":               func(ctx context.Context) { _, _ = warehouse.Importar(ctx, contracts.SolicitudDeImportacion{}, "k") },
			"POST /productos/{id}/precio":     func(ctx context.Context) { _, _ = warehouse.CambiarPrecio(ctx, one, contracts.CambioDePrecio{}, "k") },
			"GET /productos/{id}/precios":     func(ctx context.Context) { _, _ = warehouse.Precios(ctx, one, 1, "") },
			"GET /compras/por-aprobar":        func(ctx context.Context) { _, _ = manager.PorAprobar(ctx, 1, "") },
			"GET /compras/pendientes":         func(ctx context.Context) { _, _ = manager.Pendientes(ctx) },
			"GET /ordenes":                    func(ctx context.Context) { _, _ = orders.List(ctx, contracts.OrdenesFilter{}, 1, "") },
			"GET /ordenes/zonas":              func(ctx context.Context) { _, _ = orders.Zonas(ctx) },
			"GET /ordenes/{id}":               func(ctx context.Context) { _, _ = orders.Load(ctx, one) },
			"POST /ordenes/{id}/despacho":     func(ctx context.Context) { _, _ = orders.Despachar(ctx, one) },
			"GET /colas":                      func(ctx context.Context) { _, _ = queues.Colas(ctx, 1) },
			"GET /mensajes-muertos": func(ctx context.Context) {
				_, _ = queues.DeadLetters(ctx, contracts.MensajesMuertosFilter{Tema: one, Desde: time.Unix(1, 0), Hasta: time.Unix(2, 0)})
			},
			"GET /mensajes-muertos/{id}":              func(ctx context.Context) { _, _ = queues.DeadLetter(ctx, one) },
			"POST /mensajes-muertos/devolucion":       func(ctx context.Context) { _, _ = queues.PutBackDeadLetters(ctx, []string{one}) },
			"POST /mensajes-muertos/{id}/descarte":    func(ctx context.Context) { _, _ = queues.Discard(ctx, one, "x") },
			"POST /mensajes-muertos/{id}/devolucion":  func(ctx context.Context) { _, _ = queues.PutBackDeadLetter(ctx, one) },
			"POST /mensajes-muertos/{id}/apartado":    func(ctx context.Context) { _, _ = queues.SetAside(ctx, one) },
			"GET /direcciones":                        func(ctx context.Context) { _, _ = notices.Direcciones(ctx) },
			"POST /direcciones":                       func(ctx context.Context) { _, _ = notices.CreateDireccion(ctx, contracts.NuevaDireccion{}) },
			"PATCH /direcciones/{id}":                 func(ctx context.Context) { _, _ = notices.ChangeDireccion(ctx, one, true) },
			"DELETE /direcciones/{id}":                func(ctx context.Context) { _ = notices.DeleteDireccion(ctx, one) },
			"POST /direcciones/{id}/secreto":          func(ctx context.Context) { _, _ = notices.RenewSecreto(ctx, one) },
			"POST /direcciones/{id}/prueba":           func(ctx context.Context) { _, _ = notices.TestDireccion(ctx, one) },
			"GET /usuarios/{id}/deseos":               func(ctx context.Context) { _, _ = notices.Deseos(ctx, one) },
			"POST /usuarios/{id}/deseos/{producto}":   func(ctx context.Context) { _, _ = notices.AddDeseo(ctx, one, one, 1) },
			"DELETE /usuarios/{id}/deseos/{producto}": func(ctx context.Context) { _ = notices.DeleteDeseo(ctx, one, one, nil) },
			"GET /entregas": func(ctx context.Context) {
				_, _ = notices.Entregas(ctx, contracts.EntregasFilter{Estado: contracts.EntregaMuerta}, 1, one)
			},
			"GET /usuarios/{id}/correo":    func(ctx context.Context) { _, _ = notices.Correo(ctx, one) },
			"PUT /usuarios/{id}/correo":    func(ctx context.Context) { _ = notices.SetCorreo(ctx, one, contracts.CambioDeCorreo{}) },
			"DELETE /usuarios/{id}/correo": func(ctx context.Context) { _ = notices.DeleteCorreo(ctx, one) },
			"POST /entregas/{id}/reenvio":  func(ctx context.Context) { _, _ = notices.SendAgain(ctx, one) },
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
			if one := method + " " + template; !called[one] && !slices.Contains(append(unused, "GET /healthz", "GET /readyz", "GET /metrics"), one) {
				t.Errorf("nothing calls %s: write it here, or among those that are unused", one)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// largest calls the operations with the largest values that the bff accepts: texts of the greatest length, in the characters that
// become longest by escaping.
func largest(t *testing.T, g *testManager, manager dapr.Manager) {
	usuario, after := strings.Repeat("\U0001F999", contracts.MaxIdentifier), strings.Repeat("%", 256)
	domicilio := true
	at := time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)
	filter := contracts.ComprasFilter{
		Estados: slices.Repeat(contracts.Estados, 300), IDUsuario: usuario, Domicilio: &domicilio, Texto: usuario, IDProducto: usuario,
		Desde: at, Hasta: at, CambiadaDesde: at, Criterio: contracts.CambioMasReciente,
	}
	var query url.Values
	g.says(func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Query()
		list(w, r)
	})
	if _, err := manager.OfUsuario(t.Context(), usuario, 100, after, filter.Estados...); err != nil || query.Get("id_usuario") != usuario {
		t.Errorf("a customer's list: %v, %v", err, query)
	}
	if _, err := manager.Buscar(t.Context(), filter, 100, after, true); err != nil || query.Get("despues") != after || len(query["estado"]) != len(contracts.Estados) ||
		query.Get("texto") != usuario || query.Get("id_producto") != usuario || query.Get("cambiada_desde") != at.Format(time.RFC3339Nano) || query.Get("contar") != "true" {
		t.Errorf("everybody's list: %v, %v", err, query)
	}
}

// whateverPasses calls the operations with random texts that the bff accepts, and with random traceparent headers. The sidecars
// must refuse no call. The same seed makes the same texts.
func whateverPasses(t *testing.T, g *testManager, manager dapr.Manager) {
	g.says(list)
	productos := dapr.Productos(manager)
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
	identifier := func() string { // some of the random texts are valid identifiers
		for {
			var v contracts.Validator
			one := text(contracts.MaxIdentifier + 1)
			if v.Identifier("id", one); v.Error() == nil {
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
		ctx, id := logging.WithTrace(t.Context(), header()), identifier()
		if _, err := manager.OfUsuario(ctx, id, 1, text(64)); err != nil {
			t.Fatalf("%q in the trace %q: %v", id, logging.Trace(ctx), err)
		}
		if _, err := productos.List(ctx, id); err != nil {
			t.Fatalf("%q in the trace %q: %v", id, logging.Trace(ctx), err)
		}
	}
}

func replies(t *testing.T, g *testManager, manager dapr.Manager) {
	for code, err := range map[errs.Code]error{
		errs.NotFound: errs.New(errs.NotFound, "no existe"),
		errs.Conflict: errs.New(errs.Conflict, "no existe"),
		errs.Invalid:  errs.New(errs.Invalid, "no existe"),
		errs.Internal: errs.New(errs.Internal, "no existe"),
	} {
		g.failure(err)
		for range 5 {
			_, err := manager.Load(t.Context(), "x")
			var own *errs.Error
			if errs.Of(err) != code || !errors.As(err, &own) || own.Message != "no existe" {
				t.Fatalf("got %v, want %s", err, code)
			}
		}
	}
	g.says(list)
	if _, err := manager.OfUsuario(t.Context(), "ana", 1, ""); err != nil {
		t.Errorf("not called any more after many such answers: %v", err)
	}
}

// slowness is far longer than a call may take.
const slowness = 5 * time.Second

// do makes one call and returns its duration.
func do(t *testing.T, manager dapr.Manager) (time.Duration, error) {
	start := time.Now()
	_, err := manager.OfUsuario(t.Context(), "ana", 1, "")
	return time.Since(start), err
}

// soon polls isTrue until it returns true, and fails the test after longEnough.
func soon(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	const longEnough = 20 * time.Second
	for limit := time.Now().Add(longEnough); !isTrue(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s: not within %s", what, longEnough)
		}
	}
}

// A slow call delays only its own caller.
func slow(t *testing.T, g *testManager, manager dapr.Manager) {
	g.says(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(slowness):
		}
		list(w, r)
	})
	for range 4 {
		earlier := g.calls.Load()
		if took, err := do(t, manager); errs.Of(err) != errs.Unavailable || took > slowness || g.calls.Load() != earlier+1 {
			t.Fatalf("%v en %s", err, took)
		}
	}
	g.says(list)
	if _, err := do(t, manager); err != nil {
		t.Errorf("after four calls that take too long: %v", err)
	}
}

// One bad answer of a service or a sidecar does not keep the bff from the next call.
func oneCallIsNoEvidence(t *testing.T, g *testManager, manager dapr.Manager) {
	for name, answer := range map[string]http.HandlerFunc{
		"its own 503": func(w http.ResponseWriter, r *http.Request) {
			rest.WriteError(w, r, errs.New(errs.Unavailable, "no"))
		},
		"a bare 502":               func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"a bare 429":               func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"an empty 200":             func(http.ResponseWriter, *http.Request) {}, // its sidecar's time ran out while it answered
		"a cut 200":                func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"compras":[{"id":"una"`)) },
		"a connection that breaks": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a header that is too large": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "<"+strings.Repeat("x", 64<<10)+`>; rel="next"`)
			list(w, r)
		},
		"a header with a broken byte": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "<\xff>")
			list(w, r)
		},
	} {
		g.says(answer)
		for range 5 {
			if _, err := do(t, manager); err != nil && errs.Of(err) != errs.Unavailable {
				t.Errorf("%s: %v", name, err)
			}
		}
		g.says(list)
		if _, err := do(t, manager); err != nil {
			t.Errorf("the next call after %s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 5 { // customers who leave
		_, _ = manager.OfUsuario(ctx, "ana", 1, "")
	}
	if _, err := do(t, manager); err != nil {
		t.Errorf("the next call after customers who left: %v", err)
	}
}

// A service that does not answer its probe is not called, until it answers.
func neverAnswers(t *testing.T, g *testManager, manager dapr.Manager) {
	isSilent := func() bool {
		before := g.calls.Load()
		took, err := do(t, manager)
		return errs.Of(err) == errs.Unavailable && strings.Contains(err.Error(), "health probes") && took < time.Second && g.calls.Load() == before
	}
	answers := func() bool { _, err := do(t, manager); return err == nil }
	g.hangs.Store(true)
	soon(t, "a service that hangs is silent", isSilent)
	g.hangs.Store(false)
	soon(t, "it is called again", answers)
	g.Close()
	soon(t, "a service that is gone is silent", isSilent)
	for range 4 {
		if took, err := do(t, manager); errs.Of(err) != errs.Unavailable || took > slowness {
			t.Errorf("stopped: %v after %s", err, took)
		}
	}
}
