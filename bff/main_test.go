package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/services/internal/pubsubtest"
)

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
	p.broker.Fallar(errNoSidecar)
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
