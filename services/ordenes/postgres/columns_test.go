package postgres_test

import (
	"reflect"
	"testing"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/databasetest"
	"entregas/internal/inbox"
	"entregas/services/ordenes/ordenes"
)

// Each query that reads an order returns every field of the command that created the order, and only Orden and Queue the address.
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
	want := func(query string, got contracts.Pedido, err error) {
		t.Helper()
		want := d.Pedido()
		if query != "Orden" && query != "Queue" { // only the detail of one order and the queue have the address: docs/adr/personal-data.md
			want.Direccion = nil
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads %+v, want %+v: %v: %s", query, got, want, err, edit)
		}
	}
	orden, err := o.Orden(t.Context(), r.Data.IDOrden)
	want("Orden", orden.Pedido, err)
	list, err := o.OfUsuario(t.Context(), d.IDUsuario, 10, "")
	if len(list) != 1 {
		list = []ordenes.Orden{{}}
	}
	want("OfUsuario", list[0].Pedido, err)
	list, _, err = o.Queue(t.Context(), contracts.OrdenesFilter{Estado: contracts.EstadoOrdenCreada}, contracts.OrdenCursor{}, 10)
	if len(list) != 1 {
		list = []ordenes.Orden{{}}
	}
	want("Queue", list[0].Pedido, err)
	orden, err = o.Despachar(t.Context(), r.Data.IDOrden)
	want("Despachar", orden.Pedido, err)
}

// The zone of an order is the city of its address in small letters, else its shop, else nothing.
func TestZona(t *testing.T) {
	o := newOffice(t, 100)
	for zona, d := range map[string]contracts.DatosComandoOrden{
		"bogotá":                {Domicilio: true, Direccion: contracts.Direccion{Destinatario: "Ana", Calle: "Calle 1", Ciudad: "BogotÁ", Telefono: "5550100"}},
		contracts.Tiendas[0].ID: {Tienda: contracts.Tiendas[0].ID},
		"":                      {Domicilio: true},
	} {
		d.IDCompra, d.IDUsuario, d.Productos = compra(), "ana", []contracts.Linea{{IDProducto: "1", Cantidad: 1}}
		c, err := inbox.FromMessage(contracts.NewMessage("test", contracts.CrearOrden, "", d), d.IDCompra)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Create(t.Context(), c, d); err != nil {
			t.Fatal(err)
		}
		var got string
		if err := o.pool.QueryRow(t.Context(), `select zona from orden where id_compra = $1`, d.IDCompra).Scan(&got); err != nil || got != zona {
			t.Errorf("the zone of %+v is %q, want %q: %v", d, got, zona, err)
		}
	}
}

// The addresses of a customer's orders that have ended go; the orders stay.
func TestBorrar(t *testing.T) {
	o := newOffice(t, 100)
	create := func(usuario string) (idCompra, idOrden string) {
		d := contracts.DatosComandoOrden{
			IDCompra: compra(), IDUsuario: usuario, Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}}, Domicilio: true,
			Direccion: contracts.Direccion{Destinatario: "Ana", Calle: "Calle 1", Ciudad: "Cali", Telefono: "5550100"},
		}
		c, err := inbox.FromMessage(contracts.NewMessage("test", contracts.CrearOrden, "", d), d.IDCompra)
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Create(t.Context(), c, d)
		if err != nil {
			t.Fatal(err)
		}
		return d.IDCompra, r.Data.IDOrden
	}
	_, sent := create("ana")
	if _, err := o.Despachar(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	cancelled, _ := create("ana")
	o.require(t, contracts.CancelarOrden, cancelled, "ana", contracts.OrdenCancelada)
	_, open := create("ana")
	_, others := create("eva")
	for _, want := range []contracts.ParteBorrada{{Borradas: 2, Abiertas: 1}, {Abiertas: 1}} {
		if got, err := o.Borrar(actor.With(t.Context(), contracts.Actor{Sujeto: "oti", Rol: contracts.RolOperador}), "ana"); err != nil || got != want {
			t.Errorf("erased %+v, want %+v: %v", got, want, err)
		}
	}
	for id, kept := range map[string]bool{sent: false, open: true, others: true} {
		if orden, err := o.Orden(t.Context(), id); err != nil || (orden.Direccion != nil) != kept {
			t.Errorf("%+v: %v", orden, err)
		}
	}
	if n := o.tell(t, `select count(*) from acto where tipo = 'borrado' and objeto = 'ana' and sujeto = 'oti'`); n != 1 {
		t.Errorf("the audit has %d acts", n)
	}
}
