package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/internal/pubsubtest"
)

func TestComprar(t *testing.T) {
	p := newGate(t)
	r := p.do(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}],"domicilio":true}`, "Idempotency-Key", "k")
	var a contracts.Aceptada
	if err := json.Unmarshal(r.Body.Bytes(), &a); err != nil || r.Code != http.StatusAccepted || a.Estado != contracts.EstadoRecibida {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	if where := r.Header().Get("Location"); where != "/api/compras/"+a.ID || r.Header().Get("Retry-After") == "" {
		t.Errorf("headers %v", r.Header())
	}
	r = p.do(t, http.MethodGet, r.Header().Get("Location"), "")
	var c contracts.Compra
	if err := json.Unmarshal(r.Body.Bytes(), &c); err != nil || r.Code != http.StatusOK || c.ID != a.ID || !c.Domicilio || r.Header().Get("Age") != "" {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	p.manager.GoDown()
	if r = p.do(t, http.MethodGet, "/api/compras/"+a.ID, ""); r.Code != http.StatusOK || r.Header().Get("Age") != "0" {
		t.Errorf("gestor-compra down: got %d, Age %q", r.Code, r.Header().Get("Age"))
	}
	p.broker.Fail(errNoSidecar)
	r = p.do(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}]}`)
	if problem(t, r).Status != http.StatusServiceUnavailable || r.Header().Get("Retry-After") == "" {
		t.Errorf("all down: got %d %s", r.Code, r.Body)
	}
}

func TestDecide(t *testing.T) {
	p := newGate(t)
	const id = "01938f5e-7c1a-7000-8000-000000000001"
	p.do(t, http.MethodPost, "/api/compras", `{"id":"`+id+`","id_usuario":"ana","productos":[{"id_producto":"1","cantidad":200}]}`)
	steps := []struct {
		name, operation, body string
		earlier               func()
		estado                int
		remains               contracts.Estado
	}{
		{"approve one that awaits no approval", "aprobacion", `{"aprobada":true}`, func() {}, 409, ""},
		{"cancel one under way", "cancelacion", ``, func() { p.manager.Advance(id, contracts.EstadoIniciada) }, 202, contracts.EstadoIniciada},
		{"approve", "aprobacion", `{"aprobada":true,"motivo":"bien"}`, func() { p.manager.Advance(id, contracts.EstadoPorAprobar) }, 200, contracts.EstadoConfirmada},
		{"cancel with gestor-compra down", "cancelacion", `{"motivo":"tarde"}`, func() { p.manager.GoDown() }, 202, contracts.EstadoRecibida},
		{"approve with gestor-compra down", "aprobacion", `{"aprobada":true}`, func() {}, 503, ""},
		{"cancel a cancelled one", "cancelacion", `{}`, func() { p.manager.Respond(nil); p.manager.Advance(id, contracts.EstadoCancelada) }, 200, contracts.EstadoCancelada},
		{"cancel a dispatched one", "cancelacion", `{}`, func() { p.manager.Advance(id, contracts.EstadoDespachada) }, 409, ""},
	}
	for _, step := range steps {
		step.earlier()
		r := p.do(t, http.MethodPost, "/api/compras/"+id+"/"+step.operation, step.body)
		var a contracts.Aceptada
		if err := json.Unmarshal(r.Body.Bytes(), &a); err != nil || r.Code != step.estado || a.Estado != step.remains || (r.Code == 202) != (r.Header().Get("Location") != "") {
			t.Errorf("%s: %d %s", step.name, r.Code, r.Body)
		}
	}
	if published := pubsubtest.Published(t, p.broker, contracts.ComandosGestorCompra); len(published) != 1 || published[0].Type != contracts.CancelarCompra {
		t.Errorf("published %+v", published)
	}
}

func TestOrdenes(t *testing.T) {
	p := newGate(t)
	if r := p.do(t, http.MethodGet, "/api/ordenes/"+idOrden, ""); r.Code != http.StatusOK {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := p.do(t, http.MethodPost, "/api/ordenes/"+idOrden+"/despacho", ""); r.Code != http.StatusOK {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := p.do(t, http.MethodPost, "/api/ordenes/01938f5e-7c1a-7000-8000-000000000001/despacho", ""); problem(t, r).Status != http.StatusNotFound {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

func TestListOfUsuario(t *testing.T) {
	p := newGate(t)
	for range 3 {
		p.do(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana/50%","productos":[{"id_producto":1,"cantidad":2}]}`)
	}
	var page struct {
		Compras   []contracts.Compra `json:"compras"`
		Siguiente string             `json:"siguiente"`
	}
	read := func(query string) {
		r := p.do(t, http.MethodGet, "/api/usuarios/ana%2F50%25/compras"+query, "")
		page.Siguiente = ""
		if err := json.Unmarshal(r.Body.Bytes(), &page); err != nil || r.Code != http.StatusOK {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
	}
	if read("?limite=2"); len(page.Compras) != 2 || page.Siguiente == "" {
		t.Errorf("first page: %+v", page)
	}
	if read("?limite=2&despues=" + page.Siguiente); len(page.Compras) != 1 || page.Siguiente != "" {
		t.Errorf("second page: %+v", page)
	}
	if read(""); len(page.Compras) != 3 {
		t.Errorf("without a limit: %+v", page)
	}
}

func TestProductos(t *testing.T) {
	p := newGate(t)
	if r := p.do(t, http.MethodGet, "/api/productos", ""); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), "Café") {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := p.do(t, http.MethodGet, "/api/productos/1", ""); r.Code != http.StatusOK {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := p.do(t, http.MethodGet, "/api/productos/no", ""); problem(t, r).Status != http.StatusNotFound {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	for i, headers := range [][]string{nil, {"Idempotency-Key", "k"}} {
		if r := p.do(t, http.MethodPost, "/api/productos/1/reposicion", `{"cantidad":5}`, headers...); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), []string{"505", "510"}[i]) {
			t.Errorf("restock: %d %s", r.Code, r.Body)
		}
	}
	if r := p.do(t, http.MethodGet, "/", ""); r.Code != http.StatusOK {
		t.Errorf("the first page: %d", r.Code)
	}
}
