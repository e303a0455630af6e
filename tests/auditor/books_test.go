package auditor

import (
	"encoding/json"
	"strings"
	"testing"
)

// goodBooks returns books without a violation: one purchase in each final state.
func goodBooks(t *testing.T) *books {
	t.Helper()
	l := &books{
		compras: map[string]compra{}, ordenes: map[string][]orden{}, reservas: map[string]lineas{}, movements: map[string]map[string]lineas{},
		productos: []producto{{"1", 89}}, byProducto: map[string]lineas{"1": {"INICIAL": 100, "CORRECCION": -3, "RESERVA": -12, "LIBERACION": 4, "DESPACHO": -4, "reservado": 4}},
	}
	for id, estado := range map[string]string{"a": "CONFIRMADA", "b": "DESPACHADA", "c": "CANCELADA", "d": "RECHAZADA"} {
		c := compra{ID: id, Estado: estado, Numero: 3, Entries: 3, Last: 3}
		if err := json.Unmarshal([]byte(`[{"id_producto":"1","cantidad":4}]`), &c.Productos); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(`{"moneda":"COP","total":28,"precios":[{"id_producto":"1","precio":7}]}`), &c.amounts); err != nil {
			t.Fatal(err)
		}
		l.compras[id] = c
	}
	addOrden := func(id, estado string) {
		c := l.compras[id]
		c.IDOrden = "o" + id
		l.compras[id] = c
		l.ordenes[id] = []orden{{ID: c.IDOrden, IDCompra: id, Estado: estado, Lineas: c.Productos, amounts: c.amounts}}
		l.movements[id] = map[string]lineas{"RESERVA": {"1": -4}}
	}
	addOrden("a", "CREADA")
	addOrden("b", "DESPACHADA")
	addOrden("c", "CANCELADA")
	l.reservas["a"] = lineas{"1": 4}
	l.movements["b"]["DESPACHO"] = lineas{"1": -4}
	l.movements["c"]["LIBERACION"] = lineas{"1": 4}
	return l
}

func audit(l *books) string {
	i := &Report{}
	for id, c := range l.compras {
		l.oneCompra(i, id, c)
	}
	l.orphans(i)
	l.existencias(i)
	var t strings.Builder
	for _, f := range i.Violations {
		t.WriteString(f.IDCompra + " " + f.What + "\n")
	}
	return t.String()
}

// The auditor finds each kind of damage. Without this test, an audit without violations would prove nothing.
func TestAuditorFinds(t *testing.T) {
	if breaches := audit(goodBooks(t)); breaches != "" {
		t.Fatalf("good books have violations:\n%s", breaches)
	}
	estado := func(id, estado string) func(*books) {
		return func(l *books) { c := l.compras[id]; c.Estado = estado; l.compras[id] = c }
	}
	for name, damage := range map[string]func(*books){
		"no final state":                                estado("a", "PRODUCTOS_RESERVADOS"),
		"FALLIDA":                                       estado("d", "FALLIDA"),
		"confirmed and released":                        estado("c", "CONFIRMADA"),
		"cancelled with its order":                      estado("a", "CANCELADA"),
		"dispatched twice over":                         estado("a", "DESPACHADA"),
		"a second order":                                func(l *books) { l.ordenes["a"] = append(l.ordenes["a"], l.ordenes["b"]...) },
		"an order of other lines":                       func(l *books) { l.ordenes["a"][0].Lineas = nil },
		"another purchase's order":                      func(l *books) { l.ordenes["a"][0].ID = "otra" },
		"nothing reserved":                              func(l *books) { delete(l.reservas, "a") },
		"reserved twice":                                func(l *books) { l.movements["a"]["RESERVA"]["1"] = -8 },
		"never released":                                func(l *books) { delete(l.movements["c"], "LIBERACION") },
		"an orphan reservation":                         func(l *books) { l.reservas["x"] = lineas{"1": 1} },
		"an orphan order":                               func(l *books) { l.ordenes["x"] = []orden{{ID: "ox"}} },
		"a unit made up":                                func(l *books) { l.productos[0].Cantidad++ },
		"a ledger that says otherwise":                  func(l *books) { l.byProducto["1"]["RESERVA"]-- },
		"a correction of which the shelf knows nothing": func(l *books) { l.byProducto["1"]["CORRECCION"]-- },
		"a gap in the history":                          func(l *books) { c := l.compras["a"]; c.Entries--; l.compras["a"] = c },
		"a total that is not the sum":                   func(l *books) { c := l.compras["d"]; c.Total++; l.compras["d"] = c },
		"a price of no line":                            func(l *books) { c := l.compras["d"]; c.amounts, c.Moneda = amounts{}, "COP"; l.compras["d"] = c },
		"an order at another price":                     func(l *books) { l.ordenes["a"][0].Total = 0 },
		"a question without a reply":                    func(l *books) { c := l.compras["d"]; c.NoReply = 1; l.compras["d"] = c },
	} {
		t.Run(name, func(t *testing.T) {
			l := goodBooks(t)
			damage(l)
			if audit(l) == "" {
				t.Error("the auditor does not find it")
			}
		})
	}
}
