package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"entregas/bff/compras"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

func resultsOf(t *testing.T, text []byte) []rest.Resultado {
	t.Helper()
	var told struct{ Resultados []rest.Resultado }
	if err := json.Unmarshal(text, &told); err != nil {
		t.Fatal(err)
	}
	return told.Resultados
}

// brief returns a result in short: its state, or the code of its problem.
func brief(r rest.Resultado) string {
	if r.Problema == nil {
		return r.Estado
	}
	return strings.TrimPrefix(r.Problema.Type, "urn:entregas:problema:")
}

// Each of many decisions has its own result, in the order of the request, and a refused one stops no other. The same request again
// has the same results.
func TestManyDecisionsHaveTheirOwnResults(t *testing.T) {
	p := newGate(t)
	var decisions []contracts.Decision
	var want []string
	for i := range 30 {
		id := fmt.Sprintf("01938f5e-7c1a-7000-8000-0000000%05d", i)
		if r := p.do(t, http.MethodPost, "/api/compras", `{"id":"`+id+`","id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}]}`); r.Code != http.StatusAccepted {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
		state, result := contracts.EstadoPorAprobar, string(contracts.EstadoConfirmada)
		if i%5 == 0 {
			state, result = contracts.EstadoDespachada, string(errs.Conflict)
		}
		p.manager.Advance(id, state)
		decisions, want = append(decisions, contracts.Decision{ID: id, Aprobada: new(true)}), append(want, result)
	}
	decisions, want = append(decisions, contracts.Decision{ID: nobodysCompra, Aprobada: new(false), Motivo: "No cabe."}), append(want, string(errs.NotFound))
	body, err := json.Marshal(contracts.Decisiones{Decisiones: decisions})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r := p.do(t, http.MethodPost, "/api/compras/aprobaciones", string(body))
		var got []string
		for i, one := range resultsOf(t, r.Body.Bytes()) {
			if one.ID != decisions[i].ID || one.Problema != nil && one.Problema.Detail == "" {
				t.Errorf("%+v", one)
			}
			got = append(got, brief(one))
		}
		if r.Code != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%d %v\nwant %v", r.Code, got, want)
		}
	}
}

// A result tells the truth also where the service of the orders does not answer: 503 was not done, and 504 may have been done.
func TestManyDispatchesWhereTheServiceFails(t *testing.T) {
	const ids = `{"ids":["` + idOrden + `","` + nobodysCompra + `"]}`
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"it answers":           {nil, []string{"DESPACHADA", string(errs.NotFound)}},
		"it is not there":      {compras.ErrNotDone, []string{string(errs.Unavailable), string(errs.Unavailable)}},
		"its answers get lost": {errs.New(errs.Unavailable, "no answer"), []string{string(errs.OutcomeUnknown), string(errs.OutcomeUnknown)}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newGate(t)
			p.faults.err, p.faults.times = c.err, 1
			if c.err != nil {
				p.faults.times = 100
			}
			r := p.do(t, http.MethodPost, "/api/ordenes/despachos", ids)
			results := resultsOf(t, r.Body.Bytes())
			if r.Code != http.StatusOK || len(results) != 2 {
				t.Fatalf("%d %s", r.Code, r.Body)
			}
			if got := []string{brief(results[0]), brief(results[1])}; !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// The counts are cheap: however many pages poll them, their owners are asked once in a while. A count whose owner does not answer is
// missing, and the others are there.
func TestPendientes(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, contracts.EstadoPorAprobar)
	before := p.manager.Calls()
	r := p.do(t, http.MethodGet, "/api/operacion/pendientes", "")
	if want := `{"por_aprobar":1,"por_despachar":1,"fallidas":0,"mensajes_muertos":2}`; r.Code != http.StatusOK || strings.TrimSpace(r.Body.String()) != want {
		t.Errorf("%d %s, want %s", r.Code, r.Body, want)
	}
	for range 20 {
		if again := p.do(t, http.MethodGet, "/api/operacion/pendientes", "", "If-None-Match", r.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%d %s", again.Code, again.Body)
		}
	}
	if n := p.manager.Calls() - before; n != 1 {
		t.Errorf("gestor-compra was asked %d times", n)
	}

	q := newGate(t)
	q.manager.GoDown()
	if r := q.do(t, http.MethodGet, "/api/operacion/pendientes", ""); r.Code != http.StatusOK || strings.TrimSpace(r.Body.String()) != `{"por_despachar":1,"mensajes_muertos":2}` {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

// People name an order by the code of its purchase, which ordenes has, and decide about a purchase by its code.
func TestOrdersHaveTheCodeOfTheirPurchase(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, contracts.EstadoPorAprobar)
	codigo := p.manager.Compras()[0].Codigo
	r := p.do(t, http.MethodPost, "/api/compras/aprobaciones", `{"decisiones":[{"id":"`+strings.ToLower(contracts.FormatCodigo(codigo))+`","aprobada":true},{"id":"00000001","aprobada":true}]}`)
	if got := resultsOf(t, r.Body.Bytes()); r.Code != http.StatusOK || len(got) != 2 || brief(got[0]) != string(contracts.EstadoConfirmada) || brief(got[1]) != string(errs.WrongCodigo) {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	p.manager.GoDown()
	for _, ask := range [][2]string{{http.MethodGet, "/api/ordenes"}, {http.MethodGet, "/api/ordenes/" + idOrden}, {http.MethodPost, "/api/ordenes/" + idOrden + "/despacho"}} {
		if r := p.do(t, ask[0], ask[1], ""); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), `"codigo":"`+codigoOfOrden+`"`) {
			t.Errorf("without gestor-compra, %v: %d %s", ask, r.Code, r.Body)
		}
	}
}

// A page of the queues is asked for only in a form that their owners accept.
func TestQueuesOfTheDesk(t *testing.T) {
	p := newGate(t)
	for path, field := range map[string]string{
		"/api/ordenes?estado=NADA": "estado", "/api/ordenes?domicilio=quizas": "domicilio", "/api/ordenes?limite=101": "limite", "/api/ordenes?limite=0": "limite",
		"/api/ordenes?zona=a%07": "zona", "/api/ordenes?zona=1&zona=2": "zona",
		"/api/ordenes?despues=x": "despues", "/api/ordenes?despues=tienda_" + strings.ToUpper(idOrden): "despues", "/api/ordenes?despues=otra_" + idOrden: "despues",
		"/api/compras/aprobaciones?limite=101": "limite", "/api/compras/aprobaciones?despues=ayer%00": "despues",
	} {
		if r := p.do(t, http.MethodGet, path, ""); r.Code != http.StatusBadRequest || len(problem(t, r).Errores) != 1 || problem(t, r).Errores[0].Field != field {
			t.Errorf("%s: %d %s, want the field %s", path, r.Code, r.Body, field)
		}
	}
	for _, path := range []string{"/api/ordenes?domicilio=true&limite=100&despues=domicilio_" + idOrden, "/api/ordenes?estado=DESPACHADA&zona=", "/api/ordenes/zonas", "/api/compras/aprobaciones?limite=100"} {
		if r := p.do(t, http.MethodGet, path, ""); r.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, r.Code, r.Body)
		}
	}
}
