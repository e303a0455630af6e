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
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"entregas/contracts"
	"entregas/services/bff/borde"
	"entregas/services/bff/compras"
	"entregas/services/bff/comprastest"
	"entregas/services/bff/dapr"
	"entregas/services/bff/emisor"
	"entregas/services/bff/identidad"
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

// faults makes the services beside gestor-compra do what they are asked and not answer, the next times.
type faults struct {
	err   error
	times int
	calls int
	back  func()                                         // what happens while a dead letter is put back; nil for nothing
	list  func(ctx context.Context) []contracts.Producto // of products; nil for the usual one
}

func (f *faults) answer() error {
	if f.calls++; f.times > 0 {
		f.times--
		return f.err
	}
	return nil
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
	p := puerta{gestor: &comprastest.Gestor{}, broker: &pubsubtest.Broker{}, almacen: &comprastest.Almacen{}, faults: &faults{}}
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
		nucleo: p.nucleo, quota: quota, operacion: p.gestor, monitor: monitor{p.faults},
		productos: productos{map[string]int{}, p.faults}, ordenes: ordenes{p.faults}, almacen: p.almacen, receptor: pubsub.NuevoReceptor(rutas, publicador, &pubsubtest.Intentos{}),
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

// productos has the product 1, and adds what is restocked of it: once for each key, like the service.
type productos struct {
	repuesto map[string]int
	faults   *faults
}

func (p productos) Listar(ctx context.Context, _ string) ([]contracts.Producto, error) {
	if p.faults.list != nil {
		return p.faults.list(ctx), nil
	}
	return []contracts.Producto{{ID: "1", Nombre: "Café", Cantidad: 500}}, nil
}

func (p productos) Leer(ctx context.Context, id string) (contracts.Producto, error) {
	if lista, _ := p.Listar(ctx, ""); lista[0].ID == id {
		return lista[0], nil
	}
	return contracts.Producto{}, errores.Nuevo(errores.NoEncontrado, "No existe el producto %s.", id)
}

func (p productos) Reponer(ctx context.Context, id string, cantidad int, clave string) (contracts.Producto, error) {
	producto, err := p.Leer(ctx, id)
	if clave == "" || len(clave) > 255 {
		return producto, errores.Nuevo(errores.Invalido, "sin clave")
	}
	p.repuesto[clave] = cantidad
	for _, n := range p.repuesto {
		producto.Cantidad += n
	}
	if fault := p.faults.answer(); fault != nil {
		return contracts.Producto{}, fault
	}
	return producto, err
}

func (p productos) Balance(context.Context) ([]contracts.LineaDeBalance, error) {
	return []contracts.LineaDeBalance{{IDProducto: "1", Inicial: 500, Existencias: 500}}, nil
}

// monitor has one queue and one dead letter.
type monitor struct{ faults *faults }

const idMuerto = "01938f5e-7c1a-7000-8000-0000000000bb"

func (monitor) Colas(context.Context, int) (contracts.Colas, error) {
	return contracts.Colas{
		Broker: true, Muestras: []contracts.MuestraDeColas{{En: time.Now(), Pendientes: map[string]int64{"comandos-producto": 3}}},
		Ahora: []contracts.ColaAhora{{Tema: "comandos-producto", Suscripcion: "admin-productos", Pendientes: 3, Replicas: 1}},
	}, nil
}

func (monitor) Muertos(context.Context) ([]contracts.MensajeMuerto, error) {
	return []contracts.MensajeMuerto{{ID: idMuerto, Tema: "comandos-producto", Motivo: "no es", Registro: json.RawMessage(`{}`)}}, nil
}

func (m monitor) SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	return m.ReponerMuerto(ctx, id)
}

func (m monitor) ReponerMuerto(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	if m.faults.back != nil {
		m.faults.back()
	}
	lista, err := m.Muertos(ctx)
	if id != idMuerto {
		return contracts.MensajeMuerto{}, errores.Nuevo(errores.NoEncontrado, "No hay un mensaje muerto %s.", id)
	}
	if fault := m.faults.answer(); fault != nil {
		return contracts.MensajeMuerto{}, fault
	}
	return lista[0], err
}

// ordenes has one order, which is dispatched.
type ordenes struct{ faults *faults }

const idOrden = "01938f5e-7c1a-7000-8000-0000000000aa"

func (ordenes) Leer(_ context.Context, id string) (contracts.Orden, error) {
	if id == idOrden {
		return contracts.Orden{ID: id, DatosComandoOrden: contracts.DatosComandoOrden{IDCompra: id, IDUsuario: "ana", Productos: []contracts.Linea{}}, Estado: contracts.EstadoOrdenDespachada}, nil
	}
	return contracts.Orden{}, errores.Nuevo(errores.NoEncontrado, "No existe la orden %s.", id)
}

func (o ordenes) Despachar(ctx context.Context, id string) (contracts.Orden, error) {
	if fault := o.faults.answer(); fault != nil {
		return contracts.Orden{}, fault
	}
	return o.Leer(ctx, id)
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
