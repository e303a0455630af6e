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

	"entregas/contracts"
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
}

// deFabrica are the settings of a test: development, and no limits.
func deFabrica() config {
	return config{
		Modo: "desarrollo", Emisor: "http://127.0.0.1:8888/desarrollo", Audiencia: emisor.Audiencia, Cliente: emisor.Cliente, Roles: "roles",
		GraphiQL: true, Introspeccion: true, Plazo: time.Minute,
	}
}

func nuevaPuerta(t *testing.T, ajustes ...func(*config)) puerta {
	t.Helper()
	p := puerta{gestor: &comprastest.Gestor{}, broker: &pubsubtest.Broker{}, almacen: &comprastest.Almacen{}}
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
	if p.emisor, err = emisor.Nuevo(cfg.Emisor, clave); err != nil {
		t.Fatal(err)
	}
	publicador := pubsub.NuevoPublicador(p.broker, servicio)
	rutas := arranque.Config{}.RutasPublicas(nil)
	err = montar(t.Context(), rutas, cfg, piezas{
		nucleo: compras.Nuevo(p.gestor, dapr.Comandos{Publicador: publicador}, p.almacen), operacion: p.gestor, monitor: monitor{},
		productos: productos{map[string]int{}}, ordenes: ordenes{}, almacen: p.almacen, receptor: pubsub.NuevoReceptor(rutas, publicador, &pubsubtest.Intentos{}),
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

// nadie is the header of who says nothing of himself.
var nadie = []string{"Authorization", ""}

// productos has the product 1, and adds what is restocked of it: once for each key, like the service.
type productos struct{ repuesto map[string]int }

func (p productos) Listar(context.Context, string) ([]contracts.Producto, error) {
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
	return producto, err
}

func (p productos) Balance(context.Context) ([]contracts.LineaDeBalance, error) {
	return []contracts.LineaDeBalance{{IDProducto: "1", Inicial: 500, Existencias: 500}}, nil
}

// monitor has one queue and one dead letter.
type monitor struct{}

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

func (m monitor) ReponerMuerto(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	lista, err := m.Muertos(ctx)
	if id != idMuerto {
		return contracts.MensajeMuerto{}, errores.Nuevo(errores.NoEncontrado, "No hay un mensaje muerto %s.", id)
	}
	return lista[0], err
}

// ordenes has one order, which is dispatched.
type ordenes struct{}

const idOrden = "01938f5e-7c1a-7000-8000-0000000000aa"

func (ordenes) Leer(_ context.Context, id string) (contracts.Orden, error) {
	if id == idOrden {
		return contracts.Orden{ID: id, IDCompra: id, IDUsuario: "ana", Productos: []contracts.Linea{}, Estado: contracts.EstadoOrdenDespachada}, nil
	}
	return contracts.Orden{}, errores.Nuevo(errores.NoEncontrado, "No existe la orden %s.", id)
}

func (o ordenes) Despachar(ctx context.Context, id string) (contracts.Orden, error) {
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

// pedir sends a request, as an operator unless cabeceras say who asks; where the contract has the operation, the answer must be as it says.
func (p puerta) pedir(t *testing.T, verbo, ruta, cuerpo string, cabeceras ...string) *httptest.ResponseRecorder {
	t.Helper()
	peticion := httptest.NewRequest(verbo, ruta, strings.NewReader(cuerpo))
	cabeceras = append(p.como(t, "oti", identidad.Operador), cabeceras...)
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

func TestComprar(t *testing.T) {
	p := nuevaPuerta(t)
	r := p.pedir(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}],"domicilio":true}`, "Idempotency-Key", "k")
	var a contracts.Aceptada
	if err := json.Unmarshal(r.Body.Bytes(), &a); err != nil || r.Code != http.StatusAccepted || a.Estado != contracts.EstadoRecibida {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	if donde := r.Header().Get("Location"); donde != "/api/compras/"+a.ID || r.Header().Get("Retry-After") == "" {
		t.Errorf("cabeceras %v", r.Header())
	}
	r = p.pedir(t, http.MethodGet, r.Header().Get("Location"), "")
	var c contracts.Compra
	if err := json.Unmarshal(r.Body.Bytes(), &c); err != nil || r.Code != http.StatusOK || c.ID != a.ID || !c.Domicilio || r.Header().Get("Age") != "" {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	p.gestor.Caer()
	if r = p.pedir(t, http.MethodGet, "/api/compras/"+a.ID, ""); r.Code != http.StatusOK || r.Header().Get("Age") != "0" {
		t.Errorf("con gestor-compra caído: %d, Age %q", r.Code, r.Header().Get("Age"))
	}
	p.broker.Fallar(errores.Nuevo(errores.NoDisponible, "caído"))
	r = p.pedir(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}]}`)
	if problema(t, r).Status != http.StatusServiceUnavailable || r.Header().Get("Retry-After") == "" {
		t.Errorf("con todo caído: %d %s", r.Code, r.Body)
	}
}

func TestDecidir(t *testing.T) {
	p := nuevaPuerta(t)
	const id = "01938f5e-7c1a-7000-8000-000000000001"
	p.pedir(t, http.MethodPost, "/api/compras", `{"id":"`+id+`","id_usuario":"ana","productos":[{"id_producto":"1","cantidad":200}]}`)
	pasos := []struct {
		nombre, operacion, cuerpo string
		antes                     func()
		estado                    int
		queda                     contracts.Estado
	}{
		{"aprobar lo que no espera", "aprobacion", `{"aprobada":true}`, func() {}, 409, ""},
		{"cancelar en marcha", "cancelacion", ``, func() { p.gestor.Avanzar(id, contracts.EstadoIniciada) }, 202, contracts.EstadoIniciada},
		{"aprobar", "aprobacion", `{"aprobada":true,"motivo":"bien"}`, func() { p.gestor.Avanzar(id, contracts.EstadoPorAprobar) }, 200, contracts.EstadoConfirmada},
		{"cancelar con gestor-compra caído", "cancelacion", `{"motivo":"tarde"}`, func() { p.gestor.Caer() }, 202, contracts.EstadoRecibida},
		{"aprobar con gestor-compra caído", "aprobacion", `{"aprobada":true}`, func() {}, 503, ""},
		{"cancelar lo cancelado", "cancelacion", `{}`, func() { p.gestor.Responder(nil); p.gestor.Avanzar(id, contracts.EstadoCancelada) }, 200, contracts.EstadoCancelada},
		{"cancelar lo despachado", "cancelacion", `{}`, func() { p.gestor.Avanzar(id, contracts.EstadoDespachada) }, 409, ""},
	}
	for _, paso := range pasos {
		paso.antes()
		r := p.pedir(t, http.MethodPost, "/api/compras/"+id+"/"+paso.operacion, paso.cuerpo)
		var a contracts.Aceptada
		if err := json.Unmarshal(r.Body.Bytes(), &a); err != nil || r.Code != paso.estado || a.Estado != paso.queda || (r.Code == 202) != (r.Header().Get("Location") != "") {
			t.Errorf("%s: %d %s", paso.nombre, r.Code, r.Body)
		}
	}
	if publicadas := pubsubtest.Publicados(t, p.broker, contracts.ComandosGestorCompra); len(publicadas) != 1 || publicadas[0].Type != contracts.CancelarCompra {
		t.Errorf("publicadas %+v", publicadas)
	}
}

func TestOrdenes(t *testing.T) {
	p := nuevaPuerta(t)
	if r := p.pedir(t, http.MethodGet, "/api/ordenes/"+idOrden, ""); r.Code != http.StatusOK {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := p.pedir(t, http.MethodPost, "/api/ordenes/"+idOrden+"/despacho", ""); r.Code != http.StatusOK {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := p.pedir(t, http.MethodPost, "/api/ordenes/01938f5e-7c1a-7000-8000-000000000001/despacho", ""); problema(t, r).Status != http.StatusNotFound {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

func TestListaDeUsuario(t *testing.T) {
	p := nuevaPuerta(t)
	for range 3 {
		p.pedir(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana/50%","productos":[{"id_producto":1,"cantidad":2}]}`)
	}
	var pagina struct {
		Compras   []contracts.Compra `json:"compras"`
		Siguiente string             `json:"siguiente"`
	}
	leer := func(consulta string) {
		r := p.pedir(t, http.MethodGet, "/api/usuarios/ana%2F50%25/compras"+consulta, "")
		pagina.Siguiente = ""
		if err := json.Unmarshal(r.Body.Bytes(), &pagina); err != nil || r.Code != http.StatusOK {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
	}
	if leer("?limite=2"); len(pagina.Compras) != 2 || pagina.Siguiente == "" {
		t.Errorf("primera: %+v", pagina)
	}
	if leer("?limite=2&despues=" + pagina.Siguiente); len(pagina.Compras) != 1 || pagina.Siguiente != "" {
		t.Errorf("segunda: %+v", pagina)
	}
	if leer(""); len(pagina.Compras) != 3 {
		t.Errorf("sin límite: %+v", pagina)
	}
}

func TestProductos(t *testing.T) {
	p := nuevaPuerta(t)
	if r := p.pedir(t, http.MethodGet, "/api/productos", ""); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), "Café") {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := p.pedir(t, http.MethodGet, "/api/productos/1", ""); r.Code != http.StatusOK {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := p.pedir(t, http.MethodGet, "/api/productos/no", ""); problema(t, r).Status != http.StatusNotFound {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	for i, cabeceras := range [][]string{nil, {"Idempotency-Key", "k"}} {
		if r := p.pedir(t, http.MethodPost, "/api/productos/1/reposicion", `{"cantidad":5}`, cabeceras...); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), []string{"505", "510"}[i]) {
			t.Errorf("reponer: %d %s", r.Code, r.Body)
		}
	}
	if r := p.pedir(t, http.MethodGet, "/", ""); r.Code != http.StatusOK {
		t.Errorf("portada: %d", r.Code)
	}
}
