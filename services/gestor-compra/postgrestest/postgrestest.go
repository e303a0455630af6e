// Package postgrestest gives tests of gestor-compra its store on a real database, with purchases in it.
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

// Store is the store on a database of its own.
type Store struct {
	*postgres.Store
	Pool *pgxpool.Pool
}

// New makes one. Without a PostgreSQL to test on, the test is skipped.
func New(t testing.TB) Store {
	t.Helper()
	pool := databasetest.New(t, postgres.Migrations)
	return Store{postgres.New(pool), pool}
}

// NewSolicitud is a purchase that nobody has asked for yet.
func NewSolicitud() contracts.SolicitudCompra {
	return contracts.SolicitudCompra{
		ID: uuid.Must(uuid.NewV7()).String(), IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}, {IDProducto: "2", Cantidad: 1}},
	}
}

// OpenLimit lets a customer have more purchases open than any test makes.
var OpenLimit = compras.OpenLimit{Max: 1_000_000}

// Compra takes a purchase in and puts it in a state, past the rules.
func (a Store) Compra(t testing.TB, estado contracts.Estado) contracts.SolicitudCompra {
	t.Helper()
	s := NewSolicitud()
	if _, _, err := a.Accept(t.Context(), s, OpenLimit); err != nil {
		t.Fatal(err)
	}
	a.Do(t, `update compra set estado = $2 where id = $1`, s.ID, estado)
	return s
}

// Estado is where a purchase stands.
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

// One is the one value that a query gives.
func One[V any](t testing.TB, a Store, query string, args ...any) (v V) {
	t.Helper()
	if err := a.Pool.QueryRow(context.Background(), query, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// NoGaps fails unless the history of the purchase counts up from 1, has each step once, and the purchase knows its length.
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
		t.Fatalf("la compra va por el número %d y su historia tiene %d entradas, de %d a %d", number, entries, first, last)
	}
}
