package productos_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"entregas/contracts"
	"entregas/services/admin-productos/productos"
)

func linea(id string, cantidad int) contracts.Linea {
	return contracts.Linea{IDProducto: id, Cantidad: cantidad}
}

func TestReservar(t *testing.T) {
	existencias := map[string]int{"1": 5, "2": 0, "3": 1}
	cases := map[string]struct {
		lineas    []contracts.Linea
		finished  bool
		kind      contracts.MessageType
		faltantes []contracts.Faltante
		motivo    string
	}{
		"some of it":    {[]contracts.Linea{linea("1", 4)}, false, contracts.ProductosReservados, nil, ""},
		"the very last": {[]contracts.Linea{linea("1", 5), linea("3", 1)}, false, contracts.ProductosReservados, nil, ""},
		"one too many": {[]contracts.Linea{linea("1", 6)}, false, contracts.ReservaRechazada, []contracts.Faltante{{IDProducto: "1", Solicitada: 6, Disponible: 5}},
			"No hay existencias suficientes: del producto 1 se pidieron 6 y hay 5."},
		"one line of two": {[]contracts.Linea{linea("1", 1), linea("2", 1)}, false, contracts.ReservaRechazada, []contracts.Faltante{{IDProducto: "2", Solicitada: 1, Disponible: 0}},
			"No hay existencias suficientes: del producto 2 se pidieron 1 y hay 0."},
		"unknown": {[]contracts.Linea{linea("x", 1), linea("2", 1)}, false, contracts.ReservaRechazada,
			[]contracts.Faltante{{IDProducto: "x", Solicitada: 1, Disponible: 0}, {IDProducto: "2", Solicitada: 1, Disponible: 0}},
			"No hay existencias suficientes: del producto x se pidieron 1 y hay 0, y falta otro producto."},
		"its rollback came first": {[]contracts.Linea{linea("1", 1)}, true, contracts.ReservaRechazada, nil, "La reserva ya se había anulado."},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := productos.Reservar(c.lineas, existencias, c.finished)
			if r.Tipo != c.kind || !slices.Equal(r.Faltantes, c.faltantes) || r.Motivo != c.motivo {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A purchase gets the units of all its lines or none. They are reserved exactly when every product has enough; otherwise the
// reply names exactly the products that lack units.
func TestReservaIsAllOrNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		existencias := rapid.MapOfN(rapid.StringMatching(`[1-9]`), rapid.IntRange(0, 10), 0, 9).Draw(t, "existencias")
		lineas := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) contracts.Linea {
			return linea(rapid.StringMatching(`[1-9x]`).Draw(t, "id"), rapid.IntRange(1, 12).Draw(t, "cantidad"))
		}), 1, 8, func(l contracts.Linea) string { return l.IDProducto }).Draw(t, "lineas")

		r := productos.Reservar(lineas, existencias, false)
		missing := map[string]contracts.Faltante{}
		for _, f := range r.Faltantes {
			missing[f.IDProducto] = f
		}
		if (r.Tipo == contracts.ProductosReservados) != (len(missing) == 0) {
			t.Fatalf("%s with faltantes %v", r.Tipo, r.Faltantes)
		}
		for _, l := range lineas {
			f, absent := missing[l.IDProducto]
			if absent != (existencias[l.IDProducto] < l.Cantidad) {
				t.Fatalf("%+v with %v: %+v", l, existencias, r)
			}
			if absent && (f.Solicitada != l.Cantidad || f.Disponible != existencias[l.IDProducto]) {
				t.Fatalf("%+v has %+v", l, f)
			}
		}
	})
}

func TestTheRestThatIsDecided(t *testing.T) {
	for name, c := range map[string]struct {
		r    productos.Reply
		kind contracts.MessageType
	}{
		"a rollback":                         {productos.Liberar(false), contracts.ReservaLiberada},
		"a rollback of what left the house":  {productos.Liberar(true), contracts.ReservaDespachada},
		"a dispatch":                         {productos.Despachar(2), contracts.ReservaDespachada},
		"a dispatch of what nobody reserved": {productos.Despachar(0), contracts.ReservaRechazada},
	} {
		if c.r.Tipo != c.kind {
			t.Errorf("%s: %+v", name, c.r)
		}
	}
	full := productos.Producto{Cantidad: productos.MaxExistencias - 5}
	if !productos.Fits(full, 5) || productos.Fits(full, 6) {
		t.Error("what fits is wrong")
	}
}

func TestValidateReserva(t *testing.T) {
	const id = "01938f5e-7c1a-7000-8000-000000000001"
	many := make([]contracts.Linea, contracts.MaxLineas+1)
	for i := range many {
		many[i] = linea(fmt.Sprint(i), 1)
	}
	for name, c := range map[string]struct {
		kind   contracts.MessageType
		id     string
		lineas []contracts.Linea
		fields []string
	}{
		"well":                     {contracts.ReservarProducto, id, []contracts.Linea{linea("1", 1)}, nil},
		"as many lines as can be":  {contracts.ReservarProducto, id, many[1:], nil},
		"too many lines":           {contracts.ReservarProducto, id, many, []string{"productos"}},
		"no lines":                 {contracts.ReservarProducto, id, nil, []string{"productos"}},
		"nothing of it":            {contracts.ReservarProducto, id, []contracts.Linea{linea("1", 0)}, []string{"productos[0].cantidad"}},
		"less than nothing":        {contracts.ReservarProducto, id, []contracts.Linea{linea("1", 1), linea("2", -1)}, []string{"productos[1].cantidad"}},
		"twice the same":           {contracts.ReservarProducto, id, []contracts.Linea{linea("1", 1), linea("1", 1)}, []string{"productos[1].id_producto"}},
		"a control character":      {contracts.ReservarProducto, id, []contracts.Linea{linea("1\x00", 1)}, []string{"productos[0].id_producto"}},
		"not a purchase's id":      {contracts.ReservarProducto, "1", []contracts.Linea{linea("1", 1)}, []string{"id_compra"}},
		"a rollback without lines": {contracts.LiberarReserva, id, nil, nil},
		"a rollback of nothing":    {contracts.LiberarReserva, "", nil, []string{"id_compra"}},
		"a dispatch without lines": {contracts.DespacharReserva, id, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := productos.Validate(c.kind, contracts.DatosComandoProducto{IDCompra: c.id, Productos: c.lineas})
			if !slices.Equal(fields(err), c.fields) {
				t.Errorf("%v", err)
			}
		})
	}
	if got := fields(productos.ValidateReposicion("", 0)); !slices.Equal(got, []string{"id", "cantidad"}) {
		t.Errorf("restock: %v", got)
	}
}

func fields(err error) []string {
	var v *contracts.ValidationError
	var names []string
	if errors.As(err, &v) {
		for _, e := range v.Errores {
			names = append(names, e.Field)
		}
	}
	return names
}
