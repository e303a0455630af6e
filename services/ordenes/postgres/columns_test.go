package postgres_test

import (
	"reflect"
	"testing"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/inbox"
	"entregas/services/ordenes/ordenes"
)

// Each query that reads an order returns every field of the command that created the order.
func TestAnOrderIsReadWhole(t *testing.T) {
	const edit = "edit requestColumns in services/ordenes/postgres/orden.go, and add a migration with the column"
	o, d := newOffice(t, 100), databasetest.Filled[contracts.DatosComandoOrden](t)
	c, err := inbox.FromMessage(contracts.NewMessage("test", contracts.CrearOrden, "", d), d.IDCompra)
	if err != nil {
		t.Fatal(err)
	}
	r, err := o.Create(t.Context(), c, d)
	if err != nil {
		t.Fatalf("%v: %s", err, edit)
	}
	want := func(query string, got contracts.DatosComandoOrden, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, d) {
			t.Errorf("%s reads %+v, want %+v: %v: %s", query, got, d, err, edit)
		}
	}
	orden, err := o.Orden(t.Context(), r.Data.IDOrden)
	want("Orden", orden.DatosComandoOrden, err)
	list, err := o.OfUsuario(t.Context(), d.IDUsuario, 10, "")
	if len(list) != 1 {
		list = []ordenes.Orden{{}}
	}
	want("OfUsuario", list[0].DatosComandoOrden, err)
	orden, err = o.Despachar(t.Context(), r.Data.IDOrden)
	want("Despachar", orden.DatosComandoOrden, err)
}
