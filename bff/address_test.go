package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"entregas/bff/identity"
	"entregas/contracts"
)

const anasCalle = "Calle de las Camelias 1234"

var anasDireccion = &contracts.Direccion{Destinatario: "Ana", Calle: anasCalle, Ciudad: "Bogotá", Telefono: "5550100"}

// Only the detail of a purchase and of an order tells an address, and only to its customer and to operators. The store has none, also not under
// an Idempotency-Key (docs/adr/personal-data.md).
func TestWhoReadsAnAddress(t *testing.T) {
	p := newGate(t)
	ana, eva, oti := p.as(t, "ana", identity.Cliente), p.as(t, "eva", identity.Cliente), p.as(t, "oti", identity.Operador)
	body, err := json.Marshal(contracts.SolicitudCompra{
		ID: anasCompra, IDUsuario: "ana", Domicilio: true, Direccion: anasDireccion, Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const compra, orden = "/api/compras/" + anasCompra, "/api/ordenes/" + idOrden
	const fields = `{idCompra:id tienda direccion{destinatario calle ciudad telefono}}`
	query := func(q string) string { return `{"query":"` + strings.ReplaceAll(q, `"`, `\"`) + `"}` }
	for _, c := range []struct {
		name, verb, path, body string
		who                    []string
		status                 int
		told                   bool
	}{
		{"the purchase is made", "POST", "/api/compras", string(body), ana, 202, false},
		{"the purchase, again", "POST", "/api/compras", string(body), ana, 202, false},
		{"the detail, by its customer", "GET", compra, "", ana, 200, true},
		{"the detail, by an operator", "GET", compra, "", oti, 200, true},
		{"the detail, by another customer", "GET", compra, "", eva, 404, false},
		{"the detail in GraphQL", "POST", "/graphql", query(`{compra(id:"` + anasCompra + `")` + fields + `}`), ana, 200, true},
		{"the customer's list", "GET", "/api/usuarios/ana/compras", "", ana, 200, false},
		{"the customer's list in GraphQL", "POST", "/graphql", query(`{misCompras{compras` + fields + `}}`), ana, 200, false},
		{"the list of all", "GET", "/api/compras", "", oti, 200, false},
		{"the live stream", "GET", compra + "/eventos", "", ana, 200, false},
		{"an order, by an operator", "GET", orden, "", oti, 200, true},
		{"an order, by its customer", "GET", orden, "", ana, 403, false},
		{"an order is dispatched", "POST", orden + "/despacho", "", oti, 200, false},
		{"an order is dispatched in GraphQL", "POST", "/graphql", query(`mutation{despachar(idOrden:"` + idOrden + `")` + fields + `}`), oti, 200, false},
		{"the purchase is cancelled", "POST", compra + "/cancelacion", `{"motivo":"no"}`, ana, 200, false},
	} {
		if c.name == "the live stream" { // it ends, because the purchase has ended
			p.manager.Advance(anasCompra, contracts.EstadoCancelada)
		}
		headers := c.who
		if c.verb == http.MethodPost {
			headers = append([]string{"Idempotency-Key", strings.ReplaceAll(c.name, ", again", "")}, headers...)
		}
		r := p.do(t, c.verb, c.path, c.body, headers...)
		if told := strings.Contains(r.Body.String(), anasCalle); r.Code != c.status || told != c.told {
			t.Errorf("%s: %d, with the address: %v; want %d, %v: %s", c.name, r.Code, told, c.status, c.told, r.Body)
		}
	}
	keys := p.store.Keys("")
	values, err := p.store.Load(t.Context(), keys...)
	if err != nil || len(keys) < 8 {
		t.Fatalf("the store has %v: %v", keys, err)
	}
	for i, v := range values {
		var answer struct{ Body []byte } // an answer under a key is in base64
		_ = json.Unmarshal(v.Text, &answer)
		if text := string(v.Text) + string(answer.Body); strings.Contains(text, anasCalle) || strings.Contains(text, anasDireccion.Telefono) {
			t.Errorf("the store has the address under %s: %s", keys[i], text)
		}
	}
}

// An operator erases the personal data of a customer from each owner, and the read model of the bff follows with the event of the owner. An
// open purchase keeps its data.
func TestErase(t *testing.T) {
	p := newGate(t)
	for _, id := range []string{anasCompra, nobodysCompra} {
		body, err := json.Marshal(contracts.SolicitudCompra{
			ID: id, IDUsuario: "ana", Domicilio: true, Direccion: anasDireccion, Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if r := p.do(t, http.MethodPost, "/api/compras", string(body)); r.Code != http.StatusAccepted {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
	}
	p.manager.Advance(anasCompra, contracts.EstadoDespachada)
	if r := p.do(t, http.MethodPost, "/api/productos/1/avisame", `{"cantidad":2}`, p.as(t, "ana", identity.Cliente)...); r.Code != http.StatusOK {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	for _, want := range []contracts.DatosBorrados{{IDUsuario: "ana", Compras: 1, Ordenes: 1, Deseos: 1, Abiertas: 1}, {IDUsuario: "ana", Ordenes: 1, Abiertas: 1}} {
		var got contracts.DatosBorrados
		r := p.do(t, http.MethodPost, "/api/usuarios/ana/borrado", "")
		if err := json.Unmarshal(r.Body.Bytes(), &got); err != nil || r.Code != http.StatusOK || got != want {
			t.Errorf("%d %s, want %+v", r.Code, r.Body, want)
		}
	}
	for id, kept := range map[string]bool{anasCompra: false, nobodysCompra: true} {
		if r := p.do(t, http.MethodGet, "/api/compras/"+id, ""); strings.Contains(r.Body.String(), anasCalle) != kept {
			t.Errorf("the purchase has its address: %v, want %v: %s", !kept, kept, r.Body)
		}
	}
}
