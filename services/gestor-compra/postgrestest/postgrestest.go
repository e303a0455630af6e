// Package postgrestest gives the tests of gestor-compra a store on a real database, and helpers that fill and read it.
package postgrestest

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgres"
)

// Store is a postgres.Store on a database of its own.
type Store struct {
	*postgres.Store
	Pool *pgxpool.Pool
}

// New returns a Store. Without a PostgreSQL to test on, the test is skipped.
func New(t testing.TB) Store {
	t.Helper()
	pool := databasetest.New(t, postgres.Migrations)
	return Store{postgres.New(pool), pool}
}

// NewSolicitud returns a purchase with a new id.
func NewSolicitud() contracts.SolicitudCompra {
	return contracts.SolicitudCompra{
		ID: uuid.Must(uuid.NewV7()).String(), IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}, {IDProducto: "2", Cantidad: 1}},
	}
}

// OpenLimit is higher than the number of purchases in any test.
var OpenLimit = compras.OpenLimit{Max: 1_000_000}

// Compra stores a new purchase and sets its state without any check.
func (a Store) Compra(t testing.TB, estado contracts.Estado) contracts.SolicitudCompra {
	t.Helper()
	s := NewSolicitud()
	if _, _, err := a.Accept(t.Context(), s, OpenLimit); err != nil {
		t.Fatal(err)
	}
	a.Do(t, `update compra set estado = $2 where id = $1`, s.ID, estado)
	return s
}

// Estado returns the state of a purchase.
func (a Store) Estado(t testing.TB, id string) contracts.Estado {
	t.Helper()
	return One[contracts.Estado](t, a, `select estado from compra where id = $1`, id)
}

// Do executes a statement.
func (a Store) Do(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := a.Pool.Exec(context.Background(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// One returns the single value of a query.
func One[V any](t testing.TB, a Store, query string, args ...any) (v V) {
	t.Helper()
	if err := a.Pool.QueryRow(context.Background(), query, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// NoGaps fails the test unless the history of the purchase is numbered from 1 without gaps, up to the number of the purchase.
func (a Store) NoGaps(t rapid.TB, id string) {
	t.Helper()
	var number, entries, first, last int
	err := a.Pool.QueryRow(context.Background(), `
select c.numero, count(*), min(h.numero), max(h.numero) from compra c join historia h on h.id_compra = c.id
where c.id = $1 group by c.id`, id).Scan(&number, &entries, &first, &last)
	if err != nil {
		t.Fatal(err)
	}
	if first != 1 || last != entries || number != entries {
		t.Fatalf("the purchase has number %d, but its history has %d entries from %d to %d", number, entries, first, last)
	}
}
