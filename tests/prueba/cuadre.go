package prueba

import (
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/tests/cliente"
)

// LibrosCuadran requires that no unit was lost or made up.
func (s *Sistema) LibrosCuadran(t *testing.T) {
	t.Helper()
	cuentas, err := cliente.Libros(t.Context(), s.BaseProductos)
	if err == nil {
		err = cliente.Cuadran(cuentas)
	}
	if err != nil {
		t.Error(err)
	}
}

type compra struct {
	ID, Estado string
	IDOrden    string `db:"id_orden"`
	Productos  []contracts.Linea
	Entradas   int // of its history
	Ultima     int // the highest number of them
}

type orden struct {
	ID       string
	IDCompra string `db:"id_compra"`
	Estado   string
}

type cosa struct {
	IDCompra   string `db:"id_compra"`
	IDProducto string `db:"id_producto"`
	Cantidad   int
}

// Cuadran requires that three databases tell one story of each purchase: a confirmed one has one open order and its very
// lines reserved, a dispatched one a dispatched order and its lines in the ledger as dispatched, any other neither an
// open order nor anything reserved; no purchase is half done, and each history counts without a gap.
func (s *Sistema) Cuadran(t *testing.T, ids []string) {
	t.Helper()
	compras := leer[compra](t, s.BaseGestor, `select id, estado, id_orden, productos, (select count(*)::int from historia h where h.id_compra = c.id) as entradas,
		(select max(numero) from historia h where h.id_compra = c.id) as ultima from compra c where id = any($1)`, ids)
	ordenes := porCompra(leer[orden](t, s.BaseOrdenes, `select id::text as id, id_compra, estado from orden where id_compra = any($1)`, ids), func(o orden) string { return o.IDCompra })
	deCosa := func(c cosa) string { return c.IDCompra }
	reservas := porCompra(leer[cosa](t, s.BaseProductos, `select id_compra, id_producto, cantidad from reserva where id_compra = any($1)`, ids), deCosa)
	despachos := porCompra(leer[cosa](t, s.BaseProductos, `select id_compra, id_producto, -cantidad as cantidad from movimiento where tipo = 'DESPACHO' and id_compra = any($1)`, ids), deCosa)
	if len(compras) != len(ids) {
		t.Errorf("se enviaron %d compras y hay %d", len(ids), len(compras))
	}
	for _, c := range compras {
		if c.Entradas != c.Ultima {
			t.Errorf("%s %s: su historia tiene %d entradas y cuenta hasta %d", c.ID, c.Estado, c.Entradas, c.Ultima)
		}
		unaCompra(t, c, ordenes[c.ID], reservas[c.ID], despachos[c.ID])
	}
	s.LibrosCuadran(t)
}

func unaCompra(t *testing.T, c compra, ordenes []orden, reservado, despachado []cosa) {
	t.Helper()
	mal := func(que string) {
		t.Helper()
		t.Errorf("%s está %s y %s (órdenes %v, reservado %v, despachado %v)", c.ID, c.Estado, que, ordenes, reservado, despachado)
	}
	conOrden := func(estado string) bool {
		return len(ordenes) == 1 && ordenes[0].Estado == estado && ordenes[0].ID == c.IDOrden
	}
	switch contracts.Estado(c.Estado) {
	case contracts.EstadoConfirmada:
		if !conOrden("CREADA") || !sonLasLineas(c.Productos, reservado) || len(despachado) > 0 {
			mal("no tiene su orden y su reserva")
		}
	case contracts.EstadoDespachada:
		if !conOrden("DESPACHADA") || !sonLasLineas(c.Productos, despachado) || len(reservado) > 0 {
			mal("no tiene su orden y su despacho")
		}
	case contracts.EstadoRechazada, contracts.EstadoCancelada:
		if len(reservado) > 0 || len(despachado) > 0 || len(ordenes) > 1 || (len(ordenes) == 1 && ordenes[0].Estado != "CANCELADA") {
			mal("quedó algo sin deshacer")
		}
	default:
		mal("ese no es un final")
	}
}

func sonLasLineas(lineas []contracts.Linea, cosas []cosa) bool {
	if len(lineas) != len(cosas) {
		return false
	}
	for _, l := range lineas {
		if !slices.ContainsFunc(cosas, func(c cosa) bool { return c.IDProducto == l.IDProducto && c.Cantidad == l.Cantidad }) {
			return false
		}
	}
	return true
}

func leer[T any](t *testing.T, b *cliente.Base, consulta string, args ...any) []T {
	t.Helper()
	filas, err := cliente.Filas[T](t.Context(), b, consulta, args...)
	if err != nil {
		t.Fatal(err)
	}
	return filas
}

func porCompra[T any](filas []T, id func(T) string) map[string][]T {
	m := map[string][]T{}
	for _, f := range filas {
		m[id(f)] = append(m[id(f)], f)
	}
	return m
}

// Contar reads one number.
func Contar(t *testing.T, b *cliente.Base, consulta string, args ...any) int {
	t.Helper()
	n, err := cliente.Uno[int](t.Context(), b, consulta, args...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
