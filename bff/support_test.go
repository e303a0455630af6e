package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/gorilla/mux"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"entregas/bff/compras"
	"entregas/bff/comprastest"
	"entregas/bff/dapr"
	"entregas/bff/edge"
	"entregas/bff/identity"
	"entregas/bff/issuer"
	"entregas/bff/memory"
	"entregas/contracts"
	"entregas/internal/api/adminproductos"
	"entregas/internal/api/avisos"
	"entregas/internal/api/monitor"
	"entregas/internal/api/ordenes"
	"entregas/internal/app"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
	"entregas/internal/rest"
)

// gate serves the bff's own routes in development mode. Small working fakes stand in for the other services.
type gate struct {
	http.Handler
	manager *comprastest.Manager
	broker  *pubsubtest.Broker
	store   *comprastest.Store
	memory  *memory.Pool
	issuer  *issuer.Issuer
	core    *compras.Service
	faults  *faults              // of the other services
	acts    *[4]comprastest.Acts // of admin-productos, ordenes, monitor and avisos
}

// faults makes the next writes of all services except gestor-compra end with err: see comprastest.Serve.
type faults struct {
	mu    sync.Mutex // a request about many things makes several calls at once
	err   error
	times int
	back  func()                                         // what happens while a dead letter is put back; nil for nothing
	list  func(ctx context.Context) []contracts.Producto // of products; nil for the usual one
}

func (f *faults) hinder(r *http.Request) (done bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method == http.MethodGet || f.times == 0 {
		return true, nil
	}
	f.times--
	return true, f.err
}

// defaultConfig are the settings of a test: development, and no limits.
func defaultConfig() config {
	return config{
		Mode: "development", Issuer: "http://127.0.0.1:8888/desarrollo", Audience: issuer.Audience, ClientID: issuer.ClientID, Roles: "roles",
		GraphiQL: true, Introspection: true, Deadline: time.Minute,
	}
}

func newGate(t *testing.T, settings ...func(*config)) gate {
	t.Helper()
	p := gate{manager: comprastest.NewManager(), broker: &pubsubtest.Broker{}, store: &comprastest.Store{}, faults: &faults{}, acts: &[4]comprastest.Acts{}}
	key := filepath.Join(t.TempDir(), "clave")
	if err := os.WriteFile(key, []byte(testKey), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := defaultConfig()
	cfg.IssuerKey = key
	for _, adjust := range settings {
		adjust(&cfg)
	}
	p.memory = memoryOf(cfg)
	var err error
	if p.issuer, err = issuer.New(cfg.Issuer, key, "", nil, nil); err != nil {
		t.Fatal(err)
	}
	publisher := pubsub.NewPublisher(p.broker, service)
	routes := app.Config{}.PublicRoutes(nil)
	quota := edge.NewQuota(p.store, cfg.MaxKeys)
	p.core = compras.New(p.manager, dapr.Commands{Publisher: publisher}, edge.Metered{Store: p.store, Quota: quota})
	err = mount(t.Context(), routes, cfg, pieces{
		core: p.core, quota: quota, memory: p.memory, operation: p.manager, desk: p.manager, store: p.store, receiver: pubsub.NewReceiver(routes, publisher, &pubsubtest.Attempts{}),
		health: healthy{},
		productos: dapr.Productos{Service: comprastest.Serve("admin-productos", p.faults.hinder, func(routes *mux.Router) {
			adminproductos.HandlerWithOptions(warehouse{map[string]int{}, p.faults, &p.acts[0]}, adminproductos.GorillaServerOptions{BaseRouter: routes})
		})},
		ordenes: dapr.Ordenes{Service: comprastest.Serve("ordenes", p.faults.hinder, func(routes *mux.Router) {
			ordenes.HandlerWithOptions(orders{&p.acts[1]}, ordenes.GorillaServerOptions{BaseRouter: routes})
		})},
		monitor: dapr.Monitor{Service: comprastest.Serve("monitor", p.faults.hinder, func(routes *mux.Router) {
			monitor.HandlerWithOptions(queues{p.faults, &p.acts[2]}, monitor.GorillaServerOptions{BaseRouter: routes})
		}).WithDeadline(monitorDeadline)},
		avisos: dapr.Avisos{Service: comprastest.Serve("avisos", p.faults.hinder, func(routes *mux.Router) {
			avisos.HandlerWithOptions(notices{&p.acts[3], &sync.Map{}}, avisos.GorillaServerOptions{BaseRouter: routes})
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Handler = front(cfg, routes)
	return p
}

// testKey is the secret of the development issuer in tests. Nothing else uses it.
const testKey = "a secret for the tests"

// as returns the header of a caller.
func (p gate) as(t *testing.T, usuario string, roles ...string) []string {
	t.Helper()
	token, err := p.issuer.Token(usuario, roles, time.Hour, issuer.Audience)
	if err != nil {
		t.Fatal(err)
	}
	return []string{"Authorization", "Bearer " + token}
}

// nobody is the header of a request without credentials.
var nobody = []string{"Authorization", ""}

// warehouse has the product 1. It adds each restocked quantity once for each key, like admin-productos.
type warehouse struct {
	restocked map[string]int
	faults    *faults
	acts      *comprastest.Acts
}

// ListarActosDeProductos implements adminproductos.ServerInterface.
func (h warehouse) ListarActosDeProductos(w http.ResponseWriter, r *http.Request, params adminproductos.ListarActosDeProductosParams) {
	h.acts.Serve(w, r, contracts.ActosQuery(params))
}

var coffee = contracts.Producto{ID: "1", Nombre: "Café", Cantidad: 500}

// ListarProductos implements adminproductos.ServerInterface.
func (h warehouse) ListarProductos(w http.ResponseWriter, r *http.Request, _ adminproductos.ListarProductosParams) {
	list := []contracts.Producto{coffee}
	if h.faults.list != nil {
		list = h.faults.list(r.Context())
	}
	rest.Write(w, http.StatusOK, list)
}

func product(id string) (contracts.Producto, error) {
	if id != coffee.ID {
		return contracts.Producto{}, errs.New(errs.NotFound, "No existe el producto %s.", id)
	}
	return coffee, nil
}

// LeerProducto implements adminproductos.ServerInterface.
func (h warehouse) LeerProducto(w http.ResponseWriter, r *http.Request, id string) {
	producto, err := product(id)
	rest.Answer(w, r, http.StatusOK, producto, err)
}

// ReponerProducto implements adminproductos.ServerInterface.
func (h warehouse) ReponerProducto(w http.ResponseWriter, r *http.Request, id string, params adminproductos.ReponerProductoParams) {
	requested, err := rest.Read[contracts.Reposicion](w, r)
	if key := params.IdempotencyKey; key == nil || *key == "" || len(*key) > 255 {
		err = errs.New(errs.Invalid, "no key")
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	producto, err := product(id)
	h.restocked[*params.IdempotencyKey] = requested.Cantidad
	for _, n := range h.restocked {
		producto.Cantidad += n
	}
	rest.Answer(w, r, http.StatusOK, producto, err)
}

// CambiarPrecio implements adminproductos.ServerInterface. Like admin-productos, it requires a key.
func (h warehouse) CambiarPrecio(w http.ResponseWriter, r *http.Request, id string, params adminproductos.CambiarPrecioParams) {
	requested, err := rest.Read[contracts.CambioDePrecio](w, r)
	if key := params.IdempotencyKey; key == nil || *key == "" || len(*key) > 255 {
		err = errs.New(errs.Invalid, "no key")
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	producto, err := product(id)
	producto.Precio, producto.Moneda = requested.Precio, requested.Moneda
	rest.Answer(w, r, http.StatusOK, producto, err)
}

// ListarPrecios implements adminproductos.ServerInterface.
func (h warehouse) ListarPrecios(w http.ResponseWriter, r *http.Request, id string, _ adminproductos.ListarPreciosParams) {
	_, err := product(id)
	rest.Answer(w, r, http.StatusOK, contracts.PaginaDePrecios{Precios: []contracts.Precio{{Precio: contracts.MaxPrecio, Moneda: "COP", Desde: time.Now()}}, Siguiente: "7"}, err)
}

// LeerBalance implements adminproductos.ServerInterface.
func (h warehouse) LeerBalance(w http.ResponseWriter, _ *http.Request, _ adminproductos.LeerBalanceParams) {
	rest.Write(w, http.StatusOK, []contracts.LineaDeBalance{{IDProducto: "1", Inicial: 500, Existencias: 500}})
}

// ListarMovimientos implements adminproductos.ServerInterface.
func (h warehouse) ListarMovimientos(w http.ResponseWriter, r *http.Request, id string, _ adminproductos.ListarMovimientosParams) {
	_, err := product(id)
	rest.Answer(w, r, http.StatusOK, contracts.PaginaDeMovimientos{
		Producto: contracts.LineaDeBalance{IDProducto: id}, Movimientos: []contracts.Movimiento{{Numero: 1, Tipo: contracts.MovimientoInicial, En: time.Now()}},
	}, err)
}

// CorregirProducto implements adminproductos.ServerInterface.
func (h warehouse) CorregirProducto(w http.ResponseWriter, r *http.Request, id string, _ adminproductos.CorregirProductoParams) {
	c, err := rest.Read[contracts.Correccion](w, r)
	if err == nil && c.Cantidad < -coffee.Cantidad {
		err = errs.New(errs.Conflict, "no hay tantas")
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	producto, err := product(id)
	rest.Answer(w, r, http.StatusOK, producto, err)
}

// CambiarUmbral implements adminproductos.ServerInterface.
func (h warehouse) CambiarUmbral(w http.ResponseWriter, r *http.Request, id string) {
	_, err := product(id)
	rest.Answer(w, r, http.StatusOK, contracts.LineaDeBalance{IDProducto: id}, err)
}

// ImportarExistencias implements adminproductos.ServerInterface.
func (h warehouse) ImportarExistencias(w http.ResponseWriter, r *http.Request, _ adminproductos.ImportarExistenciasParams) {
	s, err := rest.Read[contracts.SolicitudDeImportacion](w, rest.WithBody(r, contracts.MaxImportBytes))
	rest.Answer(w, r, http.StatusOK, contracts.Importacion{Ensayo: s.Ensayo, Lineas: strings.Count(s.CSV, "\n")}, err)
}

// healthy says that all services are well but one.
type healthy struct{}

// Salud implements access.Health.
func (healthy) Salud(context.Context) []contracts.SaludDeServicio {
	return []contracts.SaludDeServicio{{Servicio: "bff", Estado: contracts.Listo}, {Servicio: "ordenes", Estado: contracts.NoListo, Detalle: "the database does not answer"}}
}

// queues has one queue and one dead letter.
type queues struct {
	faults *faults
	acts   *comprastest.Acts
}

// ListarActosDeMensajes implements monitor.ServerInterface.
func (q queues) ListarActosDeMensajes(w http.ResponseWriter, r *http.Request, params monitor.ListarActosDeMensajesParams) {
	q.acts.Serve(w, r, contracts.ActosQuery(params))
}

const deadID = "01938f5e-7c1a-7000-8000-0000000000bb"

var deadLetter = contracts.MensajeMuerto{ID: deadID, Tema: "comandos-producto", Motivo: "no es", Registro: json.RawMessage(`{}`)}

// LeerColas implements monitor.ServerInterface.
func (queues) LeerColas(w http.ResponseWriter, _ *http.Request) {
	rest.Write(w, http.StatusOK, monitor.InformeDeColas{En: time.Now(), Broker: true, Instantes: []time.Time{time.Now()}, Colas: []monitor.Cola{{
		Tema: "comandos-producto", Suscripcion: "admin-productos", Pendientes: new(int64(3)), Consumidores: new(1),
		Serie: monitor.SerieDeCola{Pendientes: []*int64{new(int64(3))}},
	}, {Tema: "muertos-admin-productos", MensajesMuertos: true, Pendientes: new(int64(2))}}})
}

// ListarMensajesMuertos implements monitor.ServerInterface.
func (queues) ListarMensajesMuertos(w http.ResponseWriter, _ *http.Request, _ monitor.ListarMensajesMuertosParams) {
	rest.Write(w, http.StatusOK, []contracts.MensajeMuerto{deadLetter})
}

// LeerMensajeMuerto implements monitor.ServerInterface.
func (q queues) LeerMensajeMuerto(w http.ResponseWriter, r *http.Request, id string) {
	if id != deadID {
		rest.WriteError(w, r, errs.New(errs.NotFound, "No hay un mensaje muerto %s.", id))
		return
	}
	rest.Write(w, http.StatusOK, deadLetter)
}

// DevolverMensajes implements monitor.ServerInterface.
func (q queues) DevolverMensajes(w http.ResponseWriter, r *http.Request) {
	request, err := rest.Read[contracts.DevolucionDeMensajes](w, r)
	if q.faults.back != nil {
		q.faults.back()
	}
	results := []contracts.ResultadoDeDevolucion{}
	for _, id := range request.IDs {
		results = append(results, contracts.ResultadoDeDevolucion{ID: id, Devuelto: true})
	}
	rest.Answer(w, r, http.StatusOK, results, err)
}

// DescartarMensaje implements monitor.ServerInterface.
func (q queues) DescartarMensaje(w http.ResponseWriter, r *http.Request, id string) {
	if _, err := rest.Read[contracts.DescarteDeMensaje](w, r); err != nil {
		rest.WriteError(w, r, err)
		return
	}
	q.DevolverMensaje(w, r, id)
}

// ApartarMensaje implements monitor.ServerInterface.
func (q queues) ApartarMensaje(w http.ResponseWriter, r *http.Request, id string) {
	q.DevolverMensaje(w, r, id)
}

// DevolverMensaje implements monitor.ServerInterface.
func (q queues) DevolverMensaje(w http.ResponseWriter, r *http.Request, id string) {
	if q.faults.back != nil {
		q.faults.back()
	}
	if id != deadID {
		rest.WriteError(w, r, errs.New(errs.NotFound, "No hay un mensaje muerto %s.", id))
		return
	}
	rest.Write(w, http.StatusAccepted, deadLetter)
}

// orders has one order, which is dispatched.
type orders struct{ acts *comprastest.Acts }

// ListarActosDeOrdenes implements ordenes.ServerInterface.
func (o orders) ListarActosDeOrdenes(w http.ResponseWriter, r *http.Request, params ordenes.ListarActosDeOrdenesParams) {
	o.acts.Serve(w, r, contracts.ActosQuery(params))
}

const idOrden = "01938f5e-7c1a-7000-8000-0000000000aa"

// LeerOrden implements ordenes.ServerInterface.
func (orders) LeerOrden(w http.ResponseWriter, r *http.Request, id string) {
	if id != idOrden {
		rest.WriteError(w, r, errs.New(errs.NotFound, "No existe la orden %s.", id))
		return
	}
	rest.Write(w, http.StatusOK, contracts.Orden{
		ID: id, Pedido: contracts.Pedido{IDCompra: id, Codigo: codigoOfOrden, IDUsuario: "ana", Productos: []contracts.Linea{}, Domicilio: true, Direccion: anasDireccion}, Estado: contracts.EstadoOrdenDespachada,
	})
}

// DespacharOrden implements ordenes.ServerInterface.
func (o orders) DespacharOrden(w http.ResponseWriter, r *http.Request, id string) {
	o.LeerOrden(w, r, id)
}

// codigoOfOrden is the code that ordenes has of each order.
const codigoOfOrden = "00000000"

// ListarOrdenes implements ordenes.ServerInterface. One order is in each state.
func (orders) ListarOrdenes(w http.ResponseWriter, _ *http.Request, params ordenes.ListarOrdenesParams) {
	rest.Write(w, http.StatusOK, contracts.PaginaDeOrdenes{Total: 1, Ordenes: []contracts.Orden{{
		ID: idOrden, Pedido: contracts.Pedido{IDCompra: anasCompra, Codigo: codigoOfOrden, IDUsuario: "ana", Productos: []contracts.Linea{}}, Estado: *params.Estado,
	}}})
}

// ListarZonas implements ordenes.ServerInterface.
func (orders) ListarZonas(w http.ResponseWriter, _ *http.Request) {
	rest.Write(w, http.StatusOK, []contracts.ZonaDeOrdenes{{Zona: "bogotá", Ordenes: 1}})
}

// BorrarDatosDeOrdenes implements ordenes.ServerInterface.
func (orders) BorrarDatosDeOrdenes(w http.ResponseWriter, _ *http.Request, _ string) {
	rest.Write(w, http.StatusOK, contracts.ParteBorrada{Borradas: 1})
}

// ListarOrdenesDeUsuario implements ordenes.ServerInterface. The bff does not call it.
func (orders) ListarOrdenesDeUsuario(w http.ResponseWriter, _ *http.Request, _ string, _ ordenes.ListarOrdenesDeUsuarioParams) {
	rest.Write(w, http.StatusOK, ordenes.PaginaDeOrdenes{Ordenes: []contracts.Orden{}})
}

// document is the OpenAPI contract of the bff.
var document = func() *openapi3.T {
	doc, err := openapi3.NewLoader().LoadFromFile("../contracts/openapi.yaml")
	if err != nil {
		panic(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		panic(err)
	}
	return doc
}()

var publicContract = func() routers.Router {
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.FileBodyDecoder)
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		panic(err)
	}
	return router
}()

// do sends a request, as an operator unless headers have credentials. It checks the answer by the contract.
func (p gate) do(t *testing.T, verb, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(verb, path, strings.NewReader(body))
	headers = append(p.as(t, "oti", identity.Operador), headers...)
	if body != "" {
		headers = append([]string{"Content-Type", "application/json"}, headers...)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	if request.Header.Get("Authorization") == "" {
		request.Header.Del("Authorization")
	}
	response := httptest.NewRecorder()
	p.ServeHTTP(response, request)
	if operation, variables, err := publicContract.FindRoute(request); err == nil {
		err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: variables, Route: operation},
			Status:                 response.Code, Header: response.Header(), Body: io.NopCloser(bytes.NewReader(response.Body.Bytes())),
		})
		if err != nil {
			t.Errorf("%s %s: the answer does not follow the contract: %v", verb, path, err)
		}
	}
	return response
}

// untouched fails the test if the bff called a service, published a message or stored a value.
func (p gate) untouched(t *testing.T) {
	t.Helper()
	if n := p.manager.Calls(); n != 0 {
		t.Errorf("gestor-compra was called %d times", n)
	}
	if n := len(pubsubtest.Published(t, p.broker, contracts.ComandosGestorCompra)); n != 0 {
		t.Errorf("%d commands were published", n)
	}
	if keys := p.store.Keys(""); len(keys) != 0 {
		t.Errorf("stored %v", keys)
	}
}

func problem(t *testing.T, r *httptest.ResponseRecorder) rest.Problem {
	t.Helper()
	var p rest.Problem
	if err := json.Unmarshal(r.Body.Bytes(), &p); err != nil || r.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("not a problem: %d %s %q", r.Code, r.Header().Get("Content-Type"), r.Body)
	}
	return p
}

// errNoSidecar is the error of a publish without a connection to the sidecar: certainly nothing was done.
var errNoSidecar = grpcstatus.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: dial tcp"`)
