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
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/gorilla/mux"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"entregas/contracts"
	"entregas/services/bff/borde"
	"entregas/services/bff/compras"
	"entregas/services/bff/comprastest"
	"entregas/services/bff/dapr"
	"entregas/services/bff/emisor"
	"entregas/services/bff/identidad"
	"entregas/services/internal/api/adminproductos"
	"entregas/services/internal/api/monitor"
	"entregas/services/internal/api/ordenes"
	"entregas/services/internal/arranque"
	"entregas/services/internal/errores"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/pubsubtest"
	"entregas/services/internal/rest"
)

// puerta is the program's own routes on small real fakes, in development mode.
type puerta struct {
	http.Handler
	gestor  *comprastest.Gestor
	broker  *pubsubtest.Broker
	almacen *comprastest.Almacen
	emisor  *emisor.Emisor
	nucleo  *compras.Servicio
	faults  *faults // of the other services
}

// faults makes the services beside gestor-compra end the next writes with err: comprastest.Serve says how.
type faults struct {
	err   error
	times int
	back  func()                                         // what happens while a dead letter is put back; nil for nothing
	list  func(ctx context.Context) []contracts.Producto // of products; nil for the usual one
}

func (f *faults) hinder(r *http.Request) (done bool, err error) {
	if r.Method == http.MethodGet || f.times == 0 {
		return true, nil
	}
	f.times--
	return true, f.err
}

// deFabrica are the settings of a test: development, and no limits.
func deFabrica() config {
	return config{
		Modo: "development", Emisor: "http://127.0.0.1:8888/desarrollo", Audiencia: emisor.Audiencia, Cliente: emisor.Cliente, Roles: "roles",
		GraphiQL: true, Introspeccion: true, Plazo: time.Minute,
	}
}

func nuevaPuerta(t *testing.T, ajustes ...func(*config)) puerta {
	t.Helper()
	p := puerta{gestor: comprastest.NewGestor(), broker: &pubsubtest.Broker{}, almacen: &comprastest.Almacen{}, faults: &faults{}}
	clave := filepath.Join(t.TempDir(), "clave")
	if err := os.WriteFile(clave, []byte(claveDePrueba), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := deFabrica()
	cfg.ClaveEmisor = clave
	for _, ajustar := range ajustes {
		ajustar(&cfg)
	}
	var err error
	if p.emisor, err = emisor.Nuevo(cfg.Emisor, clave, "", nil); err != nil {
		t.Fatal(err)
	}
	publicador := pubsub.NuevoPublicador(p.broker, servicio)
	rutas := arranque.Config{}.RutasPublicas(nil)
	quota := borde.NewQuota(p.almacen, cfg.MaxKeys)
	p.nucleo = compras.Nuevo(p.gestor, dapr.Comandos{Publicador: publicador}, borde.Metered{Almacen: p.almacen, Quota: quota})
	err = montar(t.Context(), rutas, cfg, piezas{
		nucleo: p.nucleo, quota: quota, operacion: p.gestor, almacen: p.almacen, receptor: pubsub.NuevoReceptor(rutas, publicador, &pubsubtest.Intentos{}),
		productos: dapr.Productos{Servicio: comprastest.Serve("admin-productos", p.faults.hinder, func(routes *mux.Router) {
			adminproductos.HandlerWithOptions(warehouse{map[string]int{}, p.faults}, adminproductos.GorillaServerOptions{BaseRouter: routes})
		})},
		ordenes: dapr.Ordenes{Servicio: comprastest.Serve("ordenes", p.faults.hinder, func(routes *mux.Router) {
			ordenes.HandlerWithOptions(orders{}, ordenes.GorillaServerOptions{BaseRouter: routes})
		})},
		monitor: dapr.Monitor{Servicio: comprastest.Serve("monitor", p.faults.hinder, func(routes *mux.Router) {
			monitor.HandlerWithOptions(queues{p.faults}, monitor.GorillaServerOptions{BaseRouter: routes})
		}).ConPlazo(plazoMonitor)},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Handler = rutas
	return p
}

// claveDePrueba is the secret of the development issuer in tests; it opens nothing.
const claveDePrueba = "un secreto para las pruebas"

// como is the header with which somebody asks.
func (p puerta) como(t *testing.T, usuario string, roles ...string) []string {
	t.Helper()
	token, err := p.emisor.Token(usuario, roles, time.Hour, emisor.Audiencia)
	if err != nil {
		t.Fatal(err)
	}
	return []string{"Authorization", "Bearer " + token}
}

// nadie is the header of a request without credentials.
var nadie = []string{"Authorization", ""}

// warehouse has the product 1, and adds what is restocked of it: once for each key, like admin-productos.
type warehouse struct {
	repuesto map[string]int
	faults   *faults
}

var cafe = contracts.Producto{ID: "1", Nombre: "Café", Cantidad: 500}

// ListarProductos implements adminproductos.ServerInterface.
func (h warehouse) ListarProductos(w http.ResponseWriter, r *http.Request, _ adminproductos.ListarProductosParams) {
	lista := []contracts.Producto{cafe}
	if h.faults.list != nil {
		lista = h.faults.list(r.Context())
	}
	rest.Escribir(w, http.StatusOK, lista)
}

func product(id string) (contracts.Producto, error) {
	if id != cafe.ID {
		return contracts.Producto{}, errores.Nuevo(errores.NoEncontrado, "No existe el producto %s.", id)
	}
	return cafe, nil
}

// LeerProducto implements adminproductos.ServerInterface.
func (h warehouse) LeerProducto(w http.ResponseWriter, r *http.Request, id string) {
	producto, err := product(id)
	rest.Answer(w, r, http.StatusOK, producto, err)
}

// ReponerProducto implements adminproductos.ServerInterface.
func (h warehouse) ReponerProducto(w http.ResponseWriter, r *http.Request, id string, params adminproductos.ReponerProductoParams) {
	pedida, err := rest.Leer[contracts.Reposicion](w, r)
	if clave := params.IdempotencyKey; clave == nil || *clave == "" || len(*clave) > 255 {
		err = errores.Nuevo(errores.Invalido, "sin clave")
	}
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	producto, err := product(id)
	h.repuesto[*params.IdempotencyKey] = pedida.Cantidad
	for _, n := range h.repuesto {
		producto.Cantidad += n
	}
	rest.Answer(w, r, http.StatusOK, producto, err)
}

// LeerBalance implements adminproductos.ServerInterface.
func (h warehouse) LeerBalance(w http.ResponseWriter, _ *http.Request) {
	rest.Escribir(w, http.StatusOK, []contracts.LineaDeBalance{{IDProducto: "1", Inicial: 500, Existencias: 500}})
}

// queues has one queue and one dead letter.
type queues struct{ faults *faults }

const idMuerto = "01938f5e-7c1a-7000-8000-0000000000bb"

var muerto = contracts.MensajeMuerto{ID: idMuerto, Tema: "comandos-producto", Motivo: "no es", Registro: json.RawMessage(`{}`)}

// LeerColas implements monitor.ServerInterface.
func (queues) LeerColas(w http.ResponseWriter, _ *http.Request) {
	rest.Escribir(w, http.StatusOK, monitor.InformeDeColas{En: time.Now(), Broker: true, Instantes: []time.Time{time.Now()}, Colas: []monitor.Cola{{
		Tema: "comandos-producto", Suscripcion: "admin-productos", Pendientes: new(int64(3)), Consumidores: new(1),
		Serie: monitor.SerieDeCola{Pendientes: []*int64{new(int64(3))}},
	}}})
}

// ListarMensajesMuertos implements monitor.ServerInterface.
func (queues) ListarMensajesMuertos(w http.ResponseWriter, _ *http.Request) {
	rest.Escribir(w, http.StatusOK, []contracts.MensajeMuerto{muerto})
}

// ApartarMensaje implements monitor.ServerInterface.
func (q queues) ApartarMensaje(w http.ResponseWriter, r *http.Request, id string) {
	q.ReponerMensaje(w, r, id)
}

// ReponerMensaje implements monitor.ServerInterface.
func (q queues) ReponerMensaje(w http.ResponseWriter, r *http.Request, id string) {
	if q.faults.back != nil {
		q.faults.back()
	}
	if id != idMuerto {
		rest.EscribirError(w, r, errores.Nuevo(errores.NoEncontrado, "No hay un mensaje muerto %s.", id))
		return
	}
	rest.Escribir(w, http.StatusAccepted, muerto)
}

// orders has one order, which is dispatched.
type orders struct{}

const idOrden = "01938f5e-7c1a-7000-8000-0000000000aa"

// LeerOrden implements ordenes.ServerInterface.
func (orders) LeerOrden(w http.ResponseWriter, r *http.Request, id string) {
	if id != idOrden {
		rest.EscribirError(w, r, errores.Nuevo(errores.NoEncontrado, "No existe la orden %s.", id))
		return
	}
	rest.Escribir(w, http.StatusOK, contracts.Orden{
		ID: id, DatosComandoOrden: contracts.DatosComandoOrden{IDCompra: id, IDUsuario: "ana", Productos: []contracts.Linea{}}, Estado: contracts.EstadoOrdenDespachada,
	})
}

// DespacharOrden implements ordenes.ServerInterface.
func (o orders) DespacharOrden(w http.ResponseWriter, r *http.Request, id string) {
	o.LeerOrden(w, r, id)
}

// ListarOrdenesDeUsuario implements ordenes.ServerInterface. The bff does not call it.
func (orders) ListarOrdenesDeUsuario(w http.ResponseWriter, _ *http.Request, _ string, _ ordenes.ListarOrdenesDeUsuarioParams) {
	rest.Escribir(w, http.StatusOK, ordenes.PaginaDeOrdenes{Ordenes: []contracts.Orden{}})
}

// documento is the contract.
var documento = func() *openapi3.T {
	doc, err := openapi3.NewLoader().LoadFromFile("../contracts/openapi.yaml")
	if err != nil {
		panic(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		panic(err)
	}
	return doc
}()

var contratoPublico = func() routers.Router {
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.FileBodyDecoder)
	router, err := gorillamux.NewRouter(documento)
	if err != nil {
		panic(err)
	}
	return router
}()

// pedir sends a request, as an operator unless cabeceras have credentials; where the contract has the operation, the answer must be as it says.
func (p puerta) pedir(t *testing.T, verbo, ruta, cuerpo string, cabeceras ...string) *httptest.ResponseRecorder {
	t.Helper()
	peticion := httptest.NewRequest(verbo, ruta, strings.NewReader(cuerpo))
	cabeceras = append(p.como(t, "oti", identidad.Operador), cabeceras...)
	if cuerpo != "" {
		cabeceras = append([]string{"Content-Type", "application/json"}, cabeceras...)
	}
	for i := 0; i < len(cabeceras); i += 2 {
		peticion.Header.Set(cabeceras[i], cabeceras[i+1])
	}
	if peticion.Header.Get("Authorization") == "" {
		peticion.Header.Del("Authorization")
	}
	respuesta := httptest.NewRecorder()
	p.ServeHTTP(respuesta, peticion)
	if operacion, variables, err := contratoPublico.FindRoute(peticion); err == nil {
		err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: peticion, PathParams: variables, Route: operacion},
			Status:                 respuesta.Code, Header: respuesta.Header(), Body: io.NopCloser(bytes.NewReader(respuesta.Body.Bytes())),
		})
		if err != nil {
			t.Errorf("%s %s: la respuesta no cumple el contrato: %v", verbo, ruta, err)
		}
	}
	return respuesta
}

// intacta requires that nothing was called, published or stored.
func (p puerta) intacta(t *testing.T) {
	t.Helper()
	if n := p.gestor.Llamadas(); n != 0 {
		t.Errorf("se llamó %d veces a gestor-compra", n)
	}
	if n := len(pubsubtest.Publicados(t, p.broker, contracts.ComandosGestorCompra)); n != 0 {
		t.Errorf("se publicaron %d comandos", n)
	}
	if claves := p.almacen.Claves(""); len(claves) != 0 {
		t.Errorf("se guardó %v", claves)
	}
}

func problema(t *testing.T, r *httptest.ResponseRecorder) rest.Problema {
	t.Helper()
	var p rest.Problema
	if err := json.Unmarshal(r.Body.Bytes(), &p); err != nil || r.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("no es un problema: %d %s %q", r.Code, r.Header().Get("Content-Type"), r.Body)
	}
	return p
}

// errNoSidecar is what a publish comes to when there is no connection to the sidecar: certainly nothing was done.
var errNoSidecar = grpcstatus.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: dial tcp"`)
