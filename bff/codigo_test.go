package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"entregas/bff/identity"
	"entregas/contracts"
)

// written returns a code as a person may write it.
func written(codigo string) string {
	return strings.ToLower(strings.NewReplacer("0", "o", "1", "l").Replace(contracts.FormatCodigo(codigo)))
}

// A code stands for the id of a purchase at each door, however a person writes it, also while gestor-compra is down.
func TestACodeStandsForAnID(t *testing.T) {
	query := func(text string) string { return `{"query":"` + strings.ReplaceAll(text, `"`, `\"`) + `"}` }
	for _, c := range []struct {
		path, body string // with %s for the id
		estado     contracts.Estado
		status     int
		down       bool // also while gestor-compra is down
	}{
		{"GET /api/compras/%s", "", "", 200, true},
		{"GET /api/compras/%s/eventos", "", contracts.EstadoCancelada, 200, true},
		{"POST /api/compras/%s/cancelacion", "", contracts.EstadoConfirmada, 202, true},
		{"POST /api/compras/%s/aprobacion", `{"aprobada":true}`, contracts.EstadoPorAprobar, 200, false},
		{"POST /api/compras/%s/reintento", "", contracts.EstadoFallida, 202, false},
		{"GET /api/compras/%s/mensajes", "", "", 200, false},
		{"POST /graphql", query(`{compra(id:"%s"){id codigo}}`), "", 200, true},
		{"POST /graphql", query(`mutation{cancelar(id:"%s"){id codigo}}`), contracts.EstadoConfirmada, 200, true},
		{"POST /graphql", query(`subscription{cambios(id:"%s"){compra{id codigo}}}`), contracts.EstadoCancelada, 200, true},
	} {
		for _, down := range []bool{false, true} {
			if down && !c.down {
				continue
			}
			p := newGate(t)
			p.withAnasCompra(t, c.estado)
			one := p.manager.Compras()[0]
			if err := p.core.Register(t.Context(), one); err != nil {
				t.Fatal(err)
			}
			if down {
				p.manager.GoDown()
			}
			verb, path, _ := strings.Cut(strings.ReplaceAll(c.path, "%s", url.PathEscape(written(one.Codigo))), " ")
			body, headers := strings.ReplaceAll(c.body, "%s", written(one.Codigo)), []string{}
			if strings.Contains(body, "subscription") {
				headers = []string{"Accept", "text/event-stream"}
			}
			r := p.do(t, verb, path, body, headers...)
			said := r.Body.String()
			if c.path == "GET /api/compras/%s/eventos" { // a recorder has no stream
				said = anasCompra + one.Codigo
			}
			if r.Code != c.status || !strings.Contains(said, anasCompra) && !strings.Contains(path, "mensajes") || !strings.Contains(said, one.Codigo) && !strings.Contains(path, "mensajes") {
				t.Errorf("%s %s, gestor-compra down %v: %d %s", c.path, c.body, down, r.Code, r.Body)
			}
		}
	}
	p := newGate(t)
	if r := p.do(t, http.MethodPost, "/api/compras", `{"id":"`+anasCompra+`","id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}]}`); !strings.Contains(r.Body.String(), `"codigo":"`+p.manager.Compras()[0].Codigo) {
		t.Errorf("accepted without its code: %s", r.Body)
	}
}

// The code of another customer's purchase is answered like a code that no purchase has, byte for byte but for the code, and never with the
// id behind it. A customer cannot tell a code with a wrong character from one of another either: both are wrong before anything is read.
func TestACodeTellsNothingOfAnothersPurchase(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, "")
	one := p.manager.Compras()[0]
	if err := p.core.Register(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	free := contracts.NewCodigo()
	eva := p.as(t, "eva", identity.Cliente)
	for _, down := range []bool{false, true} { // then the read model knows the one and not the other
		for _, path := range []string{"GET /api/compras/%s", "GET /api/compras/%s/eventos", "POST /api/compras/%s/cancelacion"} {
			verb, r, _ := strings.Cut(path, " ")
			ask := func(code string) *httptest.ResponseRecorder { return p.do(t, verb, fmt.Sprintf(r, code), "", eva...) }
			foreign, none, small := ask(one.Codigo), ask(free), ask(written(one.Codigo))
			same := strings.ReplaceAll(foreign.Body.String(), contracts.FormatCodigo(one.Codigo), contracts.FormatCodigo(free)) == none.Body.String()
			if foreign.Code != unreadable[down] || none.Code != foreign.Code || !same || strings.Contains(foreign.Body.String(), one.ID) || small.Body.String() != foreign.Body.String() {
				t.Errorf("%s, gestor-compra down %v: %s and %s", path, down, foreign.Body, none.Body)
			}
		}
		p.manager.GoDown()
	}
}

// A code with a wrong character is 422 and says so, before any service is asked. A text that is no code is invalid as an id.
func TestACodeWithAWrongCharacter(t *testing.T) {
	p := newGate(t)
	for path, want := range map[string]struct {
		status int
		kind   string
	}{
		"ABCD-EFG0": {422, "codigo-mal-escrito"}, "abcdefgu": {422, "codigo-mal-escrito"}, "ABCD-EFG": {400, "invalido"}, "ABCD-EFG%00": {400, "invalido"}, "x": {400, "invalido"},
	} {
		for _, headers := range [][]string{p.as(t, "eva", identity.Cliente), p.as(t, "oti", identity.Operador)} {
			r := p.do(t, http.MethodGet, "/api/compras/"+path, "", headers...)
			if said := problem(t, r); r.Code != want.status || said.Type != "urn:entregas:problema:"+want.kind || said.Detail == "" {
				t.Errorf("%s: %d %s", path, r.Code, r.Body)
			}
		}
		if r := p.do(t, http.MethodGet, "/api/compras/"+path, "", nobody...); r.Code != http.StatusUnauthorized {
			t.Errorf("%s by nobody: %d %s", path, r.Code, r.Body)
		}
	}
	if n := p.manager.Calls(); n != 0 {
		t.Errorf("gestor-compra was called %d times", n)
	}
}
