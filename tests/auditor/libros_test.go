package auditor

import (
	"encoding/json"
	"strings"
	"testing"
)

// buenos are books in which everything is as it must be: one purchase of each end.
func buenos(t *testing.T) *libros {
	t.Helper()
	l := &libros{
		compras: map[string]compra{}, ordenes: map[string][]orden{}, reservas: map[string]lineas{}, movimientos: map[string]map[string]lineas{},
		productos: []producto{{"1", 92}}, porProducto: map[string]lineas{"1": {"INICIAL": 100, "RESERVA": -12, "LIBERACION": 4, "DESPACHO": -4, "reservado": 4}},
	}
	for id, estado := range map[string]string{"a": "CONFIRMADA", "b": "DESPACHADA", "c": "CANCELADA", "d": "RECHAZADA"} {
		c := compra{ID: id, Estado: estado, Numero: 3, Entradas: 3, Ultima: 3}
		if err := json.Unmarshal([]byte(`[{"id_producto":"1","cantidad":4}]`), &c.Productos); err != nil {
			t.Fatal(err)
		}
		l.compras[id] = c
	}
	ordenar := func(id, estado string) {
		c := l.compras[id]
		c.IDOrden = "o" + id
		l.compras[id] = c
		l.ordenes[id] = []orden{{ID: c.IDOrden, IDCompra: id, Estado: estado, Lineas: c.Productos}}
		l.movimientos[id] = map[string]lineas{"RESERVA": {"1": -4}}
	}
	ordenar("a", "CREADA")
	ordenar("b", "DESPACHADA")
	ordenar("c", "CANCELADA")
	l.reservas["a"] = lineas{"1": 4}
	l.movimientos["b"]["DESPACHO"] = lineas{"1": -4}
	l.movimientos["c"]["LIBERACION"] = lineas{"1": 4}
	return l
}

func auditar(l *libros) string {
	i := &Informe{}
	for id, c := range l.compras {
		l.unaCompra(i, id, c)
	}
	l.huerfanas(i)
	l.existencias(i)
	var t strings.Builder
	for _, f := range i.Faltas {
		t.WriteString(f.IDCompra + " " + f.Que + "\n")
	}
	return t.String()
}

// An auditor that finds nothing says something only if it finds what is there.
func TestElAuditorHalla(t *testing.T) {
	if faltas := auditar(buenos(t)); faltas != "" {
		t.Fatalf("en libros buenos halla:\n%s", faltas)
	}
	estado := func(id, estado string) func(*libros) {
		return func(l *libros) { c := l.compras[id]; c.Estado = estado; l.compras[id] = c }
	}
	for nombre, romper := range map[string]func(*libros){
		"no final state":               estado("a", "PRODUCTOS_RESERVADOS"),
		"FALLIDA":                      estado("d", "FALLIDA"),
		"confirmed and released":       estado("c", "CONFIRMADA"),
		"cancelled with its order":     estado("a", "CANCELADA"),
		"dispatched twice over":        estado("a", "DESPACHADA"),
		"a second order":               func(l *libros) { l.ordenes["a"] = append(l.ordenes["a"], l.ordenes["b"]...) },
		"an order of other lines":      func(l *libros) { l.ordenes["a"][0].Lineas = nil },
		"another purchase's order":     func(l *libros) { l.ordenes["a"][0].ID = "otra" },
		"nothing reserved":             func(l *libros) { delete(l.reservas, "a") },
		"reserved twice":               func(l *libros) { l.movimientos["a"]["RESERVA"]["1"] = -8 },
		"never released":               func(l *libros) { delete(l.movimientos["c"], "LIBERACION") },
		"an orphan reservation":        func(l *libros) { l.reservas["x"] = lineas{"1": 1} },
		"an orphan order":              func(l *libros) { l.ordenes["x"] = []orden{{ID: "ox"}} },
		"a unit made up":               func(l *libros) { l.productos[0].Cantidad++ },
		"a ledger that says otherwise": func(l *libros) { l.porProducto["1"]["RESERVA"]-- },
		"a gap in the history":         func(l *libros) { c := l.compras["a"]; c.Entradas--; l.compras["a"] = c },
		"a question without a reply":   func(l *libros) { c := l.compras["d"]; c.SinRespuesta = 1; l.compras["d"] = c },
	} {
		t.Run(nombre, func(t *testing.T) {
			l := buenos(t)
			romper(l)
			if auditar(l) == "" {
				t.Error("no lo halló")
			}
		})
	}
}
