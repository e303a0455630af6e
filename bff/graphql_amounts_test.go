package main

import (
	"net/http"
	"testing"

	"entregas/internal/errs"
)

// A number in the text of a query follows the same rules as one in a variable, at any size.
func TestAmountsInTheTextOfAQuery(t *testing.T) {
	p := newGate(t)
	for number, field := range map[string]string{
		"1": "", "10000000000": "", "10000000001": "precio", "0": "precio", "-1": "precio", "1.5": "precio", "1e2": "precio", `"7"`: "precio", "X": "precio",
		"9223372036854775808": "precio", "-99999999999999999999": "precio", "[1]": "precio", "1e999": "precio", "{a:99999999999999999999}": "precio",
	} {
		r := p.graphql(t, `mutation{cambiarPrecio(idProducto:"1",precio:`+number+`){precio}}`)
		if ok := len(r.Errors) == 0; ok != (field == "") || r.estado >= http.StatusInternalServerError {
			t.Errorf("%s: %d %+v", number, r.estado, r)
			continue
		}
		if field == "" {
			continue
		}
		if e := r.Errors[0].Extensions; e.Code != string(errs.Invalid) || len(e.Errores) != 1 || e.Errores[0].Field != field {
			t.Errorf("%s: %+v", number, r.Errors)
		}
	}
	for _, query := range []string{
		`mutation{... {cambiarPrecio(idProducto:"1",precio:99999999999999999999){id}}}`,
		`mutation{...f} fragment f on Mutation{cambiarPrecio(idProducto:"1",precio:99999999999999999999){id}}`,
		`mutation($p:Importe=99999999999999999999){cambiarPrecio(idProducto:"1",precio:$p){id}}`,
		`query($i:ID=99999999999999999999){producto(id:$i){id}}`,
	} {
		r := p.graphql(t, query)
		if len(r.Errors) == 0 || r.estado >= http.StatusInternalServerError || r.Errors[0].Extensions.Code == string(errs.Internal) {
			t.Errorf("%s: %d %+v", query, r.estado, r)
		}
	}
	if r := p.graphql(t, `{producto(id:"1"){precio moneda}}`); string(r.Data) != `{"producto":{"precio":null,"moneda":""}}` {
		t.Errorf("a product without a price: %s", r.Data)
	}
}
