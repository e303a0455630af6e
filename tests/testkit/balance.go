package testkit

import (
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
)

// BooksBalance fails the test when the books of a product do not balance.
func (s *System) BooksBalance(t *testing.T) {
	t.Helper()
	accounts, err := client.Books(t.Context(), s.ProductosDatabase)
	if err == nil {
		err = client.Balanced(accounts)
	}
	if err != nil {
		t.Error(err)
	}
}

type compra struct {
	ID, Estado string
	IDOrden    string `db:"id_orden"`
	Productos  []contracts.Linea
	Entries    int // number of history entries
	Last       int // the highest number of an entry
}

type orden struct {
	ID       string
	IDCompra string `db:"id_compra"`
	Estado   string
}

type item struct {
	IDCompra   string `db:"id_compra"`
	IDProducto string `db:"id_producto"`
	Cantidad   int
}

// Balanced fails the test unless the three databases agree about each purchase:
//   - a confirmed purchase has one open order, and exactly its lines are reserved;
//   - a dispatched purchase has one dispatched order, and exactly its lines are in the ledger as dispatched;
//   - a rejected or cancelled purchase has no open order and nothing reserved;
//   - no purchase is in another state, and the numbers of its history have no gap.
func (s *System) Balanced(t *testing.T, ids []string) {
	t.Helper()
	compras := fetch[compra](t, s.ManagerDatabase, `select id, estado, id_orden, productos, (select count(*)::int from historia h where h.id_compra = c.id) as entries,
		(select max(numero) from historia h where h.id_compra = c.id) as last from compra c where id = any($1)`, ids)
	ordenes := byCompra(fetch[orden](t, s.OrdenesDatabase, `select id::text as id, id_compra, estado from orden where id_compra = any($1)`, ids), func(o orden) string { return o.IDCompra })
	ofItem := func(c item) string { return c.IDCompra }
	reservas := byCompra(fetch[item](t, s.ProductosDatabase, `select id_compra, id_producto, cantidad from reserva where id_compra = any($1)`, ids), ofItem)
	despachos := byCompra(fetch[item](t, s.ProductosDatabase, `select id_compra, id_producto, -cantidad as cantidad from movimiento where tipo = 'DESPACHO' and id_compra = any($1)`, ids), ofItem)
	if len(compras) != len(ids) {
		t.Errorf("%d purchases were sent, and there are %d", len(ids), len(compras))
	}
	for _, c := range compras {
		if c.Entries != c.Last {
			t.Errorf("%s %s: its history has %d entries, and the last number is %d", c.ID, c.Estado, c.Entries, c.Last)
		}
		oneCompra(t, c, ordenes[c.ID], reservas[c.ID], despachos[c.ID])
	}
	s.BooksBalance(t)
}

func oneCompra(t *testing.T, c compra, ordenes []orden, reserved, despachado []item) {
	t.Helper()
	bad := func(what string) {
		t.Helper()
		t.Errorf("%s is %s: %s (orders %v, reserved %v, dispatched %v)", c.ID, c.Estado, what, ordenes, reserved, despachado)
	}
	withOrden := func(estado string) bool {
		return len(ordenes) == 1 && ordenes[0].Estado == estado && ordenes[0].ID == c.IDOrden
	}
	switch contracts.Estado(c.Estado) {
	case contracts.EstadoConfirmada:
		if !withOrden("CREADA") || !sameLineas(c.Productos, reserved) || len(despachado) > 0 {
			bad("its order or its reservation is not as it should be")
		}
	case contracts.EstadoDespachada:
		if !withOrden("DESPACHADA") || !sameLineas(c.Productos, despachado) || len(reserved) > 0 {
			bad("its order or its dispatch is not as it should be")
		}
	case contracts.EstadoRechazada, contracts.EstadoCancelada:
		if len(reserved) > 0 || len(despachado) > 0 || len(ordenes) > 1 || (len(ordenes) == 1 && ordenes[0].Estado != "CANCELADA") {
			bad("something is not undone")
		}
	default:
		bad("that is no final state")
	}
}

func sameLineas(lineas []contracts.Linea, items []item) bool {
	if len(lineas) != len(items) {
		return false
	}
	for _, l := range lineas {
		if !slices.ContainsFunc(items, func(c item) bool { return c.IDProducto == l.IDProducto && c.Cantidad == l.Cantidad }) {
			return false
		}
	}
	return true
}

func fetch[T any](t *testing.T, b *client.Database, query string, args ...any) []T {
	t.Helper()
	rows, err := client.Rows[T](t.Context(), b, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func byCompra[T any](rows []T, id func(T) string) map[string][]T {
	m := map[string][]T{}
	for _, f := range rows {
		m[id(f)] = append(m[id(f)], f)
	}
	return m
}

// Count returns the number that a query returns.
func Count(t *testing.T, b *client.Database, query string, args ...any) int {
	t.Helper()
	n, err := client.One[int](t.Context(), b, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
