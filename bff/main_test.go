package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"entregas/contracts"
	"entregas/services/bff/comprastest"
	"entregas/services/bff/dapr"
	"entregas/services/internal/arranque"
	"entregas/services/internal/errores"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/pubsubtest"
	"entregas/services/internal/rest"
)

// puerta is the program's own routes on small real fakes.
type puerta struct {
	http.Handler
	gestor  *comprastest.Gestor
	broker  *pubsubtest.Broker
	almacen *comprastest.Almacen
}

func nuevaPuerta(t *testing.T) puerta {
	p := puerta{gestor: &comprastest.Gestor{}, broker: &pubsubtest.Broker{}, almacen: &comprastest.Almacen{}}
	publicador := pubsub.NuevoPublicador(p.broker, servicio)
	rutas := arranque.Config{}.Rutas(nil)
	montar(t.Context(), rutas, piezas{
		gestor: p.gestor, productos: productos{}, almacen: p.almacen, comandos: dapr.Comandos{Publicador: publicador},
		receptor: pubsub.NuevoReceptor(rutas, publicador, &pubsubtest.Intentos{}),
	})
	p.Handler = rutas
	return p
}

// productos has the product 1.
type productos struct{}

func (productos) Listar(context.Context) ([]contracts.Producto, error) {
	return []contracts.Producto{{ID: "1", Nombre: "Café", Cantidad: 500}}, nil
}

func (p productos) Leer(ctx context.Context, id string) (contracts.Producto, error) {
	if lista, _ := p.Listar(ctx); lista[0].ID == id {
		return lista[0], nil
	}
	return contracts.Producto{}, errores.Nuevo(errores.NoEncontrado, "No existe el producto %s.", id)
}

var contratoPublico = func() routers.Router {
	doc, err := openapi3.NewLoader().LoadFromFile("../contracts/openapi.yaml")
	if err != nil {
		panic(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		panic(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		panic(err)
	}
	return router
}()

// pedir sends a request; where the contract has the operation, the answer must be as it says.
func (p puerta) pedir(t *testing.T, verbo, ruta, cuerpo string, cabeceras ...string) *httptest.ResponseRecorder {
	t.Helper()
	peticion := httptest.NewRequest(verbo, ruta, strings.NewReader(cuerpo))
	for i := 0; i < len(cabeceras); i += 2 {
		peticion.Header.Set(cabeceras[i], cabeceras[i+1])
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
	if r := p.pedir(t, http.MethodGet, "/", ""); r.Code != http.StatusOK {
		t.Errorf("portada: %d", r.Code)
	}
}
