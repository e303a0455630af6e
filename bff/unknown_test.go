package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"entregas/bff/compras"
	"entregas/contracts"
	"entregas/internal/errs"
)

// write is an operation that changes something, by REST and by GraphQL.
type write struct {
	name, path, body string
	mutation         string
	state            contracts.Estado // of ana's purchase before the write
	see              string           // path of the outcome; "" if the outcome is known, since the broker has the command
	done             int              // the status of the answer to a write that was done
	twice            bool             // a repeated request may be done twice
}

var writes = []write{
	{"buy", "/api/compras", `{"id":"` + nobodysCompra + `","id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`,
		`comprar(compra:{id:"` + nobodysCompra + `",idUsuario:"ana",productos:[{idProducto:"1",cantidad:1}]}){id}`, "", "/api/compras/" + nobodysCompra, 202, false},
	{"cancel", "/api/compras/" + anasCompra + "/cancelacion", `{}`, `cancelar(id:"` + anasCompra + `"){estado}`, contracts.EstadoIniciada, "/api/compras/" + anasCompra, 202, false},
	{"approve", "/api/compras/" + anasCompra + "/aprobacion", `{"aprobada":true}`, `aprobar(id:"` + anasCompra + `",aprobada:true){estado}`, contracts.EstadoPorAprobar, "/api/compras/" + anasCompra, 200, false},
	{"retry", "/api/compras/" + anasCompra + "/reintento", ``, `reintentar(id:"` + anasCompra + `"){estado}`, contracts.EstadoFallida, "/api/compras/" + anasCompra, 202, false},
	{"dispatch", "/api/ordenes/" + idOrden + "/despacho", ``, `despachar(idOrden:"` + idOrden + `"){estado}`, "", "/api/ordenes/" + idOrden, 200, false},
	{"erase", "/api/usuarios/ana/borrado", ``, `borrarDatos(idUsuario:"ana"){compras}`, "", "/api/usuarios/ana/compras", 200, false},
	{"restock", "/api/productos/1/reposicion", `{"cantidad":5}`, `reponer(idProducto:"1",cantidad:5){cantidad}`, "", "/api/productos/1", 200, true},
	{"correct", "/api/productos/1/correccion", `{"cantidad":-5,"motivo":"a"}`, `corregir(idProducto:"1",cantidad:-5,motivo:"a"){cantidad}`, "", "/api/productos/1", 200, true},
	{"threshold", "/api/productos/1/umbral", `{"umbral":5}`, `cambiarUmbral(idProducto:"1",umbral:5){umbral}`, "", "/api/productos/1/movimientos", 200, false},
	{"import", "/api/productos/importacion", `{"csv":"a"}`, `importar(csv:"a"){lineas}`, "", "/api/operacion/balance", 200, true},
	{"put back", "/api/mensajes-muertos/" + deadID + "/devolucion", ``, `devolverMensaje(id:"` + deadID + `"){id}`, "", "/api/mensajes-muertos", 202, true},
	{"put back many", "/api/mensajes-muertos/devolucion", `{"ids":["7:1"]}`, `devolverMensajes(ids:["7:1"]){id}`, "", "/api/mensajes-muertos", 200, true},
	{"discard", "/api/mensajes-muertos/" + deadID + "/descarte", `{"motivo":"ya"}`, `descartarMensaje(id:"` + deadID + `",motivo:"ya"){id}`, "", "/api/mensajes-muertos", 202, true},
	{"price", "/api/productos/1/precio", `{"precio":5}`, `cambiarPrecio(idProducto:"1",precio:5){precio}`, "", "/api/productos/1", 200, true},
	{"set aside", "/api/mensajes-muertos/" + deadID + "/apartado", ``, `apartarMensaje(id:"` + deadID + `"){id}`, "", "/api/mensajes-muertos", 202, true},
	{"wish", "/api/productos/1/avisame", `{"cantidad":5}`, `avisame(idProducto:"1",cantidad:5){cantidad}`, "", "/api/avisos/existencias", 200, false},
	{"send again", "/api/avisos/entregas/" + idEntrega + "/reenvio", ``, `reenviarEntrega(id:"` + idEntrega + `"){id}`, "", "/api/avisos/entregas", 202, true},
	{"add an address", "/api/avisos/direcciones", `{"url":"https://example.com/"}`, `crearDireccion(url:"https://example.com/"){id}`, "", "/api/avisos/direcciones", 201, true},
}

// A write that may have been done is never reported as not done. The bff asks for its outcome, or answers that the outcome is
// unknown and gives the path at which the client can look. Only for a write that was certainly not done the answer is "try
// again".
func TestOutcome(t *testing.T) {
	silent := errs.New(errs.Unavailable, "no answer")
	away := &errs.Error{Code: errs.Unavailable, Message: "no answer", Cause: compras.ErrNotDone}
	for _, c := range []struct {
		name string
		make func(p gate)
		code errs.Code // "": it is done
	}{
		{"one answer is lost", func(p gate) { p.manager.MuteOnce(); p.faults.err, p.faults.times = silent, 1 }, ""},
		{"every answer is lost", func(p gate) {
			p.manager.Mute()
			p.broker.Fail(silent)
			p.faults.err, p.faults.times = silent, 9
		}, errs.OutcomeUnknown},
		{"it is known to be away", func(p gate) {
			p.manager.GoDown()
			p.broker.Fail(errNoSidecar)
			p.faults.err, p.faults.times = away, 9
		}, errs.Unavailable},
	} {
		for _, w := range writes {
			code := c.code
			if code == "" && slices.ContainsFunc([]string{"/api/mensajes-muertos", "/api/avisos"}, func(p string) bool { return strings.HasPrefix(w.path, p) }) { // the service would do it twice
				code = errs.OutcomeUnknown
			}
			fresh := func() gate {
				p := newGate(t)
				p.withAnasCompra(t, w.state)
				c.make(p)
				return p
			}
			status := map[errs.Code]int{"": w.done, errs.OutcomeUnknown: http.StatusGatewayTimeout, errs.Unavailable: http.StatusServiceUnavailable}[code]
			r := fresh().do(t, http.MethodPost, w.path, w.body)
			if r.Code != status {
				t.Errorf("%s, %s: %d %s, want %d", w.name, c.name, r.Code, r.Body, status)
			}
			var told struct{ Type, Ver, Detail string }
			_ = json.Unmarshal(r.Body.Bytes(), &told)
			if unknown := code == errs.OutcomeUnknown; unknown != (told.Ver == w.see) || unknown && (!strings.HasSuffix(told.Type, string(code)) ||
				(r.Header().Get("Retry-After") == "") != w.twice || strings.Contains(told.Detail, "o envíelo otra vez igual") == w.twice) {
				t.Errorf("%s, %s: %s", w.name, c.name, r.Body)
			}
			g := fresh().graphql(t, "mutation{"+w.mutation+"}")
			if (len(g.Errors) == 0) != (code == "") || code != "" && (g.Errors[0].Extensions.Code != string(code) || g.Errors[0].Extensions.Ver != told.Ver) {
				t.Errorf("%s by GraphQL, %s: %+v, want %q", w.name, c.name, g, code)
			}
		}
	}
}

// Without an id and a key, a purchase of unknown outcome would become two purchases if the client sent it again. The answer has
// an id. With this id the repeated request is the same purchase, and the client can look at the purchase.
func TestAPurchaseOfUnknownOutcomeIsRepeatedByItsID(t *testing.T) {
	const buy = `{%s"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`
	p := newGate(t)
	p.manager.Mute()
	p.broker.Fail(context.DeadlineExceeded)
	r := p.do(t, http.MethodPost, "/api/compras", fmt.Sprintf(buy, ""))
	said := problem(t, r)
	id := strings.TrimPrefix(said.See, "/api/compras/")
	if r.Code != http.StatusGatewayTimeout || r.Header().Get("Retry-After") != "" || !strings.Contains(said.Detail, `"id": "`+id+`"`) || strings.Contains(said.Detail, "o envíelo otra vez igual") {
		t.Errorf("%d %v %s", r.Code, r.Header(), r.Body)
	}
	if r := p.do(t, http.MethodGet, said.See, ""); r.Code != http.StatusOK {
		t.Errorf("look: %d %s", r.Code, r.Body)
	}
	p.manager.Respond(nil)
	if r := p.do(t, http.MethodPost, "/api/compras", fmt.Sprintf(buy, `"id":"`+id+`",`)); r.Code != http.StatusAccepted || len(p.manager.Compras()) != 1 {
		t.Errorf("again: %d %s, %d purchases", r.Code, r.Body, len(p.manager.Compras()))
	}
	p.manager.Mute()
	for path, body := range map[string]string{"/api/compras": fmt.Sprintf(buy, ""), "/api/productos/1/reposicion": `{"cantidad":5}`} {
		p.faults.err, p.faults.times = errs.New(errs.Unavailable, "no answer"), 100
		if r := p.do(t, http.MethodPost, path, body, "Idempotency-Key", "k"); r.Code != http.StatusGatewayTimeout || r.Header().Get("Retry-After") == "" {
			t.Errorf("%s with a key: %d %v %s", path, r.Code, r.Header(), r.Body)
		}
	}
}

// A lost answer does not make a purchase look retried that was never FALLIDA.
func TestRetryWithoutAnAnswer(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, contracts.EstadoConfirmada)
	first := true
	p.manager.MuteOnce()
	for range 2 {
		r := p.do(t, http.MethodPost, "/api/compras/"+anasCompra+"/reintento", "")
		if r.Code != http.StatusConflict {
			t.Errorf("%v: %d %s", first, r.Code, r.Body)
		}
		first = false
	}
}

// A customer with too many open purchases learns this reason. A customer who uses a taken id learns only that the id is taken.
func TestWhyAPurchaseIsNotTaken(t *testing.T) {
	const buy = `{%s"productos":[{"id_producto":"1","cantidad":1}]}`
	p := newGate(t)
	p.withAnasCompra(t, "")
	p.manager.MaxOpen(1)
	for _, c := range []struct{ name, who, id, says string }{
		{"too many, without an id", "ana", "", "1 compras abiertas"},
		{"too many, with an id", "ana", nobodysCompra, "1 compras abiertas"},
		{"another's id", "eva", anasCompra, "El id " + anasCompra + " ya está en uso."},
	} {
		id := ""
		if c.id != "" {
			id = `"id":"` + c.id + `",`
		}
		r := p.do(t, http.MethodPost, "/api/compras", fmt.Sprintf(buy, id), p.as(t, c.who, "cliente")...)
		if r.Code != http.StatusConflict || !strings.Contains(r.Body.String(), c.says) {
			t.Errorf("%s: %d %s", c.name, r.Code, r.Body)
		}
	}
}
