package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/errs"
)

// A POST that is repeated with its Idempotency-Key gets the first answer, byte for byte, and is done once.
func TestSameReply(t *testing.T) {
	for _, c := range []struct {
		name, path, body, otherBody string
		estado                      contracts.Estado
		want                        int
	}{
		{"buy", "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}]}`, "", 202},
		{"cancel", "/api/compras/" + anasCompra + "/cancelacion", `{"motivo":"a"}`, `{"motivo":"b"}`, contracts.EstadoRecibida, 200},
		{"approve", "/api/compras/" + anasCompra + "/aprobacion", `{"aprobada":true}`, `{"aprobada":false}`, contracts.EstadoPorAprobar, 200},
		{"retry", "/api/compras/" + anasCompra + "/reintento", ``, `{}`, contracts.EstadoFallida, 202},
		{"dispatch", "/api/ordenes/" + idOrden + "/despacho", ``, `{}`, "", 200},
		{"restock", "/api/productos/1/reposicion", `{"cantidad":5}`, `{"cantidad":6}`, "", 200},
		{"correct", "/api/productos/1/correccion", `{"cantidad":-5,"motivo":"a"}`, `{"cantidad":-6,"motivo":"a"}`, "", 200},
		{"import", "/api/productos/importacion", `{"csv":"a"}`, `{"csv":"b"}`, "", 200},
		{"price", "/api/productos/1/precio", `{"precio":5}`, `{"precio":6}`, "", 200},
		{"put back", "/api/mensajes-muertos/" + deadID + "/devolucion", ``, `{}`, "", 202},
	} {
		p := newGate(t)
		p.withAnasCompra(t, c.estado)
		first := p.do(t, http.MethodPost, c.path, c.body, "Idempotency-Key", "k")
		if first.Code != c.want {
			t.Errorf("%s: %d %s", c.name, first.Code, first.Body)
			continue
		}
		p.manager.Advance(anasCompra, contracts.EstadoDespachada) // the purchase changes between the two requests
		calls := p.manager.Calls()
		other := p.do(t, http.MethodPost, c.path, c.body, "Idempotency-Key", "k")
		if other.Code != first.Code || other.Body.String() != first.Body.String() || other.Header().Get("Location") != first.Header().Get("Location") || other.Header().Get("Content-Type") != first.Header().Get("Content-Type") {
			t.Errorf("%s again: got %d %s %v, want the first answer %d %s", c.name, other.Code, other.Body, other.Header(), first.Code, first.Body)
		}
		if p.manager.Calls() != calls {
			t.Errorf("%s: done twice", c.name)
		}
		if r := p.do(t, http.MethodPost, c.path, c.otherBody, "Idempotency-Key", "k"); r.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s with another body: got %d %s", c.name, r.Code, r.Body)
		}
		// The same key of another subject is a different key.
		if r := p.do(t, http.MethodPost, c.path, c.otherBody, append([]string{"Idempotency-Key", "k"}, p.as(t, "ota", identity.Operador)...)...); r.Code == http.StatusUnprocessableEntity {
			t.Errorf("%s of another subject: got %d %s", c.name, r.Code, r.Body)
		}
	}
}

func TestKeyUsedAtOnceAndFailures(t *testing.T) {
	p := newGate(t)
	var all sync.WaitGroup
	bodies := make([]string, 20)
	for i := range bodies {
		all.Go(func() {
			bodies[i] = p.do(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, "Idempotency-Key", "k").Body.String()
		})
	}
	all.Wait()
	for _, c := range bodies {
		if c != bodies[0] {
			t.Errorf("%s y %s", c, bodies[0])
		}
	}
	if n := len(p.manager.Compras()); n != 1 {
		t.Errorf("got %d purchases", n)
	}
	// A 503 is not kept: the request is done when it is repeated later.
	p = newGate(t)
	p.store.Fail(errs.New(errs.Unavailable, "down"))
	if r := p.do(t, http.MethodPost, "/api/productos/1/reposicion", `{"cantidad":5}`, "Idempotency-Key", "k"); r.Code != http.StatusServiceUnavailable || r.Header().Get("Retry-After") == "" {
		t.Errorf("without the store: got %d %s", r.Code, r.Body)
	}
	p.store.Fail(nil)
	p.manager.Respond(errs.New(errs.Unavailable, "down"))
	p.broker.Fail(errs.New(errs.Unavailable, "down"))
	if r := p.do(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, "Idempotency-Key", "k"); r.Code != http.StatusGatewayTimeout {
		t.Errorf("all down: got %d %s", r.Code, r.Body)
	}
	p.manager.Respond(nil)
	if r := p.do(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, "Idempotency-Key", "k"); r.Code != http.StatusAccepted {
		t.Errorf("afterwards: got %d %s", r.Code, r.Body)
	}
}

// A request that was refused or failed may be repeated under its key at once. The repetition does not wait, and gets a new
// answer. The key still belongs to that body.
func TestAskedAgainAtOnce(t *testing.T) {
	const buy, decide = `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, `{"aprobada":true}`
	for _, c := range []struct {
		name, path, body string
		by               []string // the caller; nil for an operator
		given            func(p gate)
		refused          int
		mended           func(p gate)
		then             int
	}{
		{"403", "/api/compras/" + anasCompra + "/aprobacion", decide, []string{"ana", identity.Cliente}, nil, 403, nil, 403},
		{"404", "/api/productos/no/reposicion", `{"cantidad":5}`, nil, nil, 404, nil, 404},
		{"409", "/api/compras/" + anasCompra + "/aprobacion", decide, nil, nil, 409, func(p gate) { p.manager.Advance(anasCompra, contracts.EstadoPorAprobar) }, 200},
		{"429", "/api/compras/" + anasCompra + "/aprobacion", decide, nil,
			func(p gate) { p.manager.Respond(errs.New(errs.TooMany, "espere")) }, 429, func(p gate) { p.manager.Respond(nil) }, 409},
		{"500", "/api/compras", buy, nil,
			func(p gate) { p.manager.Respond(errs.New(errs.Internal, "roto")) }, 500, func(p gate) { p.manager.Respond(nil) }, 202},
		{"a mutation of GraphQL", "/graphql", `{"query":"mutation{aprobar(id:\"` + anasCompra + `\",aprobada:true){estado}}"}`, nil, nil, 200,
			func(p gate) { p.manager.Advance(anasCompra, contracts.EstadoPorAprobar) }, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newGate(t)
			p.withAnasCompra(t, "")
			headers := []string{"Idempotency-Key", "k"}
			if c.by != nil {
				headers = append(headers, p.as(t, c.by[0], c.by[1:]...)...)
			}
			if c.given != nil {
				c.given(p)
			}
			first := p.do(t, http.MethodPost, c.path, c.body, headers...)
			if first.Code != c.refused {
				t.Fatalf("first: %d %s", first.Code, first.Body)
			}
			if c.mended != nil {
				c.mended(p)
			}
			before := p.store.Reads()
			again := p.do(t, http.MethodPost, c.path, c.body, headers...)
			if again.Code != c.then || c.mended != nil && again.Body.String() == first.Body.String() {
				t.Errorf("again: %d %s", again.Code, again.Body)
			}
			if looks := p.store.Reads() - before; looks > 5 { // it waited for an answer, although no request is in progress
				t.Errorf("it waited: %d looks", looks)
			}
			if other := p.do(t, http.MethodPost, c.path, strings.Replace(c.body, "{", "{ ", 1), headers...); other.Code != http.StatusUnprocessableEntity && again.Code != 403 {
				t.Errorf("another body: %d %s", other.Code, other.Body)
			}
		})
	}
}

// The second of two equal requests never puts a dead letter back while the first request does so. It gets the answer of the first
// request, or OutcomeUnknown.
func TestADeadLetterIsPutBackByTheFirstAlone(t *testing.T) {
	const graphql = `{"query":"mutation{devolverMensaje(id:\"` + deadID + `\"){id}}"}`
	for _, c := range []struct {
		path, body string
		limit      time.Duration // deadline of each request
		status     [2]int
		fault      error // of the first request
	}{
		{"/api/mensajes-muertos/" + deadID + "/devolucion", "", time.Minute, [2]int{202, 202}, nil},
		{"/graphql", graphql, time.Minute, [2]int{200, 200}, nil},
		{"/api/mensajes-muertos/devolucion", `{"ids":["7:1"]}`, time.Minute, [2]int{200, 200}, nil},
		{"/api/mensajes-muertos/" + deadID + "/devolucion", "", 3 * time.Second, [2]int{202, 504}, nil},
		{"/api/mensajes-muertos/" + deadID + "/devolucion", "", 6 * time.Second, [2]int{504, 504}, errs.New(errs.Unavailable, "no answer")},
	} {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			p := newGate(t, func(cfg *config) { cfg.Deadline = c.limit })
			begun, end := make(chan struct{}, 2), make(chan struct{})
			if c.fault != nil {
				p.faults.err, p.faults.times = c.fault, 1
			}
			p.faults.back = func() { begun <- struct{}{}; <-end }
			answers := [2]chan int{make(chan int, 1), make(chan int, 1)}
			ask := func(i int) {
				answers[i] <- p.do(t, http.MethodPost, c.path, c.body, "Idempotency-Key", "k").Code
			}
			go ask(0)
			<-begun
			go ask(1)
			select {
			case <-begun:
				t.Error("it is put back twice")
			case code := <-answers[1]:
				if code != c.status[1] {
					t.Errorf("the second is answered %d", code)
				}
				answers[1] <- code
			case <-time.After(4 * time.Second): // by now a second call would have come
			}
			close(end)
			for i, want := range c.status {
				if code := <-answers[i]; code != want {
					t.Errorf("%d: %d, want %d", i, code, want)
				}
			}
		})
	}
}

// Every operation refuses an Idempotency-Key that is not valid, since a client that sends one relies on it.
func TestKeyThatIsNoGood(t *testing.T) {
	for _, path := range []string{
		"/api/compras", "/api/compras/" + anasCompra + "/cancelacion", "/api/compras/" + anasCompra + "/aprobacion", "/api/compras/" + anasCompra + "/reintento",
		"/api/ordenes/" + idOrden + "/despacho", "/api/productos/1/reposicion", "/api/productos/importacion", "/api/mensajes-muertos/" + deadID + "/devolucion", "/graphql",
	} {
		for _, key := range []string{"", strings.Repeat("k", 256), "clavé"} {
			p := newGate(t)
			r := p.do(t, http.MethodPost, path, `{}`, "Idempotency-Key", key)
			if path == "/graphql" {
				if r.Code != http.StatusBadRequest || !strings.Contains(r.Body.String(), `"code":"invalido"`) || !strings.Contains(r.Body.String(), `"campo":"Idempotency-Key"`) {
					t.Errorf("%s with %.10q: got %d %s", path, key, r.Code, r.Body)
				}
			} else if said := problem(t, r); r.Code != http.StatusBadRequest || len(said.Errores) != 1 || said.Errores[0].Field != "Idempotency-Key" {
				t.Errorf("%s with %.10q: got %d %s", path, key, r.Code, r.Body)
			}
			p.untouched(t)
		}
	}
}

// Two operators with the same key restock twice; one operator who repeats the request restocks once.
func TestKeyOfReponerBelongsToItsCaller(t *testing.T) {
	p := newGate(t)
	for _, c := range []struct{ usuario, remains string }{{"oti", "505"}, {"ota", "510"}, {"oti", "505"}} {
		r := p.do(t, http.MethodPost, "/api/productos/1/reposicion", `{"cantidad":5}`, append(p.as(t, c.usuario, identity.Operador), "Idempotency-Key", "k")...)
		if r.Code != http.StatusOK || !strings.Contains(r.Body.String(), c.remains) {
			t.Errorf("%s: got %d %s, want %s", c.usuario, r.Code, r.Body, c.remains)
		}
	}
}

// A mutation that failed in part may be repeated with its key. The fields that were done are not done again.
func TestKeyOfAHalfDoneMutation(t *testing.T) {
	p := newGate(t)
	query := `mutation{a:comprar(compra:{productos:[{idProducto:"1",cantidad:1}]}){id} b:comprar(compra:{productos:[{idProducto:"1",cantidad:2}]}){id} c:aprobar(id:"` + nobodysCompra + `",aprobada:true){id}}`
	for range 2 {
		if r := p.graphql(t, query, append(p.as(t, "ana", identity.Cliente), "Idempotency-Key", "k")...); len(r.Errors) != 1 || r.Errors[0].Extensions.Code != "sin-permiso" {
			t.Errorf("%+v", r)
		}
	}
	if compras := p.manager.Compras(); len(compras) != 2 {
		t.Errorf("got %d purchases", len(compras))
	}
}
