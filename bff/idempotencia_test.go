package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/bff/identidad"
	"entregas/services/internal/errores"
)

// A POST that comes again with its key gets the first one's answer, byte for byte, and is done once.
func TestLaMismaRespuesta(t *testing.T) {
	for _, c := range []struct {
		nombre, ruta, cuerpo, otroCuerpo string
		estado                           contracts.Estado
		esperado                         int
	}{
		{"buy", "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}]}`, "", 202},
		{"cancel", "/api/compras/" + deAna + "/cancelacion", `{"motivo":"a"}`, `{"motivo":"b"}`, contracts.EstadoRecibida, 200},
		{"approve", "/api/compras/" + deAna + "/aprobacion", `{"aprobada":true}`, `{"aprobada":false}`, contracts.EstadoPorAprobar, 200},
		{"retry", "/api/compras/" + deAna + "/reintento", ``, `{}`, contracts.EstadoFallida, 202},
		{"dispatch", "/api/ordenes/" + idOrden + "/despacho", ``, `{}`, "", 200},
		{"restock", "/api/productos/1/reposicion", `{"cantidad":5}`, `{"cantidad":6}`, "", 200},
		{"put back", "/api/mensajes-muertos/" + idMuerto + "/reposicion", ``, `{}`, "", 202},
	} {
		p := nuevaPuerta(t)
		p.conLaDeAna(t, c.estado)
		primera := p.pedir(t, http.MethodPost, c.ruta, c.cuerpo, "Idempotency-Key", "k")
		if primera.Code != c.esperado {
			t.Errorf("%s: %d %s", c.nombre, primera.Code, primera.Body)
			continue
		}
		p.gestor.Avanzar(deAna, contracts.EstadoDespachada) // whatever has become of it since
		llamadas := p.gestor.Llamadas()
		otra := p.pedir(t, http.MethodPost, c.ruta, c.cuerpo, "Idempotency-Key", "k")
		if otra.Code != primera.Code || otra.Body.String() != primera.Body.String() || otra.Header().Get("Location") != primera.Header().Get("Location") || otra.Header().Get("Content-Type") != primera.Header().Get("Content-Type") {
			t.Errorf("%s otra vez: %d %s %v, la primera %d %s", c.nombre, otra.Code, otra.Body, otra.Header(), primera.Code, primera.Body)
		}
		if p.gestor.Llamadas() != llamadas {
			t.Errorf("%s: se hizo otra vez", c.nombre)
		}
		if r := p.pedir(t, http.MethodPost, c.ruta, c.otroCuerpo, "Idempotency-Key", "k"); r.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s con otro cuerpo: %d %s", c.nombre, r.Code, r.Body)
		}
		// Another subject's key of the same name is another one.
		if r := p.pedir(t, http.MethodPost, c.ruta, c.otroCuerpo, append([]string{"Idempotency-Key", "k"}, p.como(t, "ota", identidad.Operador)...)...); r.Code == http.StatusUnprocessableEntity {
			t.Errorf("%s de otro: %d %s", c.nombre, r.Code, r.Body)
		}
	}
}

func TestLaClaveALaVezYLasFallas(t *testing.T) {
	p := nuevaPuerta(t)
	var todas sync.WaitGroup
	cuerpos := make([]string, 20)
	for i := range cuerpos {
		todas.Go(func() {
			cuerpos[i] = p.pedir(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, "Idempotency-Key", "k").Body.String()
		})
	}
	todas.Wait()
	for _, c := range cuerpos {
		if c != cuerpos[0] {
			t.Errorf("%s y %s", c, cuerpos[0])
		}
	}
	if n := len(p.gestor.Compras()); n != 1 {
		t.Errorf("%d compras", n)
	}
	// An answer that says "later" is not kept: later it is done.
	p = nuevaPuerta(t)
	p.almacen.Fallar(errores.Nuevo(errores.NoDisponible, "caído"))
	if r := p.pedir(t, http.MethodPost, "/api/productos/1/reposicion", `{"cantidad":5}`, "Idempotency-Key", "k"); r.Code != http.StatusServiceUnavailable || r.Header().Get("Retry-After") == "" {
		t.Errorf("sin almacén: %d %s", r.Code, r.Body)
	}
	p.almacen.Fallar(nil)
	p.gestor.Responder(errores.Nuevo(errores.NoDisponible, "caído"))
	p.broker.Fallar(errores.Nuevo(errores.NoDisponible, "caído"))
	if r := p.pedir(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, "Idempotency-Key", "k"); r.Code != http.StatusGatewayTimeout {
		t.Errorf("con todo caído: %d %s", r.Code, r.Body)
	}
	p.gestor.Responder(nil)
	if r := p.pedir(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, "Idempotency-Key", "k"); r.Code != http.StatusAccepted {
		t.Errorf("después: %d %s", r.Code, r.Body)
	}
}

// A request that was refused or failed may be repeated under its key at once: the repetition waits for nothing, and gets a new
// answer. The key stays its body's.
func TestAskedAgainAtOnce(t *testing.T) {
	const buy, decide = `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, `{"aprobada":true}`
	for _, c := range []struct {
		name, path, body string
		by               []string // the caller; nil for an operator
		given            func(p puerta)
		refused          int
		mended           func(p puerta)
		then             int
	}{
		{"403", "/api/compras/" + deAna + "/aprobacion", decide, []string{"ana", identidad.Cliente}, nil, 403, nil, 403},
		{"404", "/api/productos/no/reposicion", `{"cantidad":5}`, nil, nil, 404, nil, 404},
		{"409", "/api/compras/" + deAna + "/aprobacion", decide, nil, nil, 409, func(p puerta) { p.gestor.Avanzar(deAna, contracts.EstadoPorAprobar) }, 200},
		{"429", "/api/compras/" + deAna + "/aprobacion", decide, nil,
			func(p puerta) { p.gestor.Responder(errores.Nuevo(errores.Demasiadas, "espere")) }, 429, func(p puerta) { p.gestor.Responder(nil) }, 409},
		{"500", "/api/compras", buy, nil,
			func(p puerta) { p.gestor.Responder(errores.Nuevo(errores.Interno, "roto")) }, 500, func(p puerta) { p.gestor.Responder(nil) }, 202},
		{"a mutation of GraphQL", "/graphql", `{"query":"mutation{aprobar(id:\"` + deAna + `\",aprobada:true){estado}}"}`, nil, nil, 200,
			func(p puerta) { p.gestor.Avanzar(deAna, contracts.EstadoPorAprobar) }, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := nuevaPuerta(t)
			p.conLaDeAna(t, "")
			headers := []string{"Idempotency-Key", "k"}
			if c.by != nil {
				headers = append(headers, p.como(t, c.by[0], c.by[1:]...)...)
			}
			if c.given != nil {
				c.given(p)
			}
			first := p.pedir(t, http.MethodPost, c.path, c.body, headers...)
			if first.Code != c.refused {
				t.Fatalf("first: %d %s", first.Code, first.Body)
			}
			if c.mended != nil {
				c.mended(p)
			}
			before := p.almacen.Lecturas()
			again := p.pedir(t, http.MethodPost, c.path, c.body, headers...)
			if again.Code != c.then || c.mended != nil && again.Body.String() == first.Body.String() {
				t.Errorf("again: %d %s", again.Code, again.Body)
			}
			if looks := p.almacen.Lecturas() - before; looks > 5 { // it looked for an answer that nobody will give
				t.Errorf("it waited: %d looks", looks)
			}
			if other := p.pedir(t, http.MethodPost, c.path, strings.Replace(c.body, "{", "{ ", 1), headers...); other.Code != http.StatusUnprocessableEntity && again.Code != 403 {
				t.Errorf("another body: %d %s", other.Code, other.Body)
			}
		})
	}
}

// The second of two alike does not put a dead letter back while the first does, however long that takes; it gets the first
// one's answer, or is told that nobody knows.
func TestADeadLetterIsPutBackByTheFirstAlone(t *testing.T) {
	const graphql = `{"query":"mutation{reponerMensaje(id:\"` + idMuerto + `\"){id}}"}`
	for _, c := range []struct {
		path, body string
		limit      time.Duration // of a request
		status     [2]int
		fault      error // of the first
	}{
		{"/api/mensajes-muertos/" + idMuerto + "/reposicion", "", time.Minute, [2]int{202, 202}, nil},
		{"/graphql", graphql, time.Minute, [2]int{200, 200}, nil},
		{"/api/mensajes-muertos/" + idMuerto + "/reposicion", "", 3 * time.Second, [2]int{202, 504}, nil},
		{"/api/mensajes-muertos/" + idMuerto + "/reposicion", "", 6 * time.Second, [2]int{504, 504}, errores.Nuevo(errores.NoDisponible, "no responde")},
	} {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			p := nuevaPuerta(t, func(cfg *config) { cfg.Plazo = c.limit })
			begun, end := make(chan struct{}, 2), make(chan struct{})
			if c.fault != nil {
				p.faults.err, p.faults.times = c.fault, 1
			}
			p.faults.back = func() { begun <- struct{}{}; <-end }
			answers := [2]chan int{make(chan int, 1), make(chan int, 1)}
			ask := func(i int) {
				answers[i] <- p.pedir(t, http.MethodPost, c.path, c.body, "Idempotency-Key", "k").Code
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
			case <-time.After(4 * time.Second): // it would have asked by now
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

// A key that cannot be kept is refused by every operation: a client that sends one relies on it.
func TestLaClaveQueNoSirve(t *testing.T) {
	for _, ruta := range []string{
		"/api/compras", "/api/compras/" + deAna + "/cancelacion", "/api/compras/" + deAna + "/aprobacion", "/api/compras/" + deAna + "/reintento",
		"/api/ordenes/" + idOrden + "/despacho", "/api/productos/1/reposicion", "/api/mensajes-muertos/" + idMuerto + "/reposicion", "/graphql",
	} {
		for _, clave := range []string{"", strings.Repeat("k", 256), "clavé"} {
			p := nuevaPuerta(t)
			r := p.pedir(t, http.MethodPost, ruta, `{}`, "Idempotency-Key", clave)
			if ruta == "/graphql" {
				if r.Code != http.StatusBadRequest || !strings.Contains(r.Body.String(), `"code":"invalido"`) || !strings.Contains(r.Body.String(), `"campo":"Idempotency-Key"`) {
					t.Errorf("%s con %.10q: %d %s", ruta, clave, r.Code, r.Body)
				}
			} else if dicho := problema(t, r); r.Code != http.StatusBadRequest || len(dicho.Errores) != 1 || dicho.Errores[0].Campo != "Idempotency-Key" {
				t.Errorf("%s con %.10q: %d %s", ruta, clave, r.Code, r.Body)
			}
			p.intacta(t)
		}
	}
}

// Two operators who name their restocking alike restock twice; one who sends it twice, once.
func TestLaClaveDeReponerEsDeQuienRepone(t *testing.T) {
	p := nuevaPuerta(t)
	for _, c := range []struct{ usuario, queda string }{{"oti", "505"}, {"ota", "510"}, {"oti", "505"}} {
		r := p.pedir(t, http.MethodPost, "/api/productos/1/reposicion", `{"cantidad":5}`, append(p.como(t, c.usuario, identidad.Operador), "Idempotency-Key", "k")...)
		if r.Code != http.StatusOK || !strings.Contains(r.Body.String(), c.queda) {
			t.Errorf("%s: %d %s, quiero %s", c.usuario, r.Code, r.Body, c.queda)
		}
	}
}

// A mutation of which a part failed may come again with its key: what was done of it is not done again.
func TestLaClaveDeUnaMutacionAMedias(t *testing.T) {
	p := nuevaPuerta(t)
	consulta := `mutation{a:comprar(compra:{productos:[{idProducto:"1",cantidad:1}]}){id} b:comprar(compra:{productos:[{idProducto:"1",cantidad:2}]}){id} c:aprobar(id:"` + deNadie + `",aprobada:true){id}}`
	for range 2 {
		if r := p.graphql(t, consulta, append(p.como(t, "ana", identidad.Cliente), "Idempotency-Key", "k")...); len(r.Errors) != 1 || r.Errors[0].Extensions.Code != "sin-permiso" {
			t.Errorf("%+v", r)
		}
	}
	if compras := p.gestor.Compras(); len(compras) != 2 {
		t.Errorf("%d compras", len(compras))
	}
}
