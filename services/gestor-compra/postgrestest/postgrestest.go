// Package postgrestest gives tests of gestor-compra its store on a real database, with purchases in it.
package postgrestest

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/internal/basetest"
)

// Almacen is the store on a database of its own.
type Almacen struct {
	*postgres.Almacen
	Pool *pgxpool.Pool
}

// Nuevo makes one. Without a PostgreSQL to test on, the test is skipped.
func Nuevo(t testing.TB) Almacen {
	t.Helper()
	pool := basetest.Nueva(t, postgres.Migraciones)
	return Almacen{postgres.Nuevo(pool), pool}
}

// Solicitud is a purchase that nobody has asked for yet.
func Solicitud() contracts.SolicitudCompra {
	return contracts.SolicitudCompra{
		ID: uuid.Must(uuid.NewV7()).String(), IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}, {IDProducto: "2", Cantidad: 1}},
	}
}

// Abiertas lets a customer have more purchases open than any test makes.
var Abiertas = compras.Abiertas{Max: 1_000_000}

// Compra takes a purchase in and puts it in a state, past the rules.
func (a Almacen) Compra(t testing.TB, estado contracts.Estado) contracts.SolicitudCompra {
	t.Helper()
	s := Solicitud()
	if _, _, err := a.Aceptar(t.Context(), s, Abiertas); err != nil {
		t.Fatal(err)
	}
	a.Hacer(t, `update compra set estado = $2 where id = $1`, s.ID, estado)
	return s
}

// Estado is where a purchase stands.
func (a Almacen) Estado(t testing.TB, id string) contracts.Estado {
	t.Helper()
	return Uno[contracts.Estado](t, a, `select estado from compra where id = $1`, id)
}

// Hacer executes a statement.
func (a Almacen) Hacer(t testing.TB, sentencia string, args ...any) {
	t.Helper()
	if _, err := a.Pool.Exec(context.Background(), sentencia, args...); err != nil {
		t.Fatal(err)
	}
}

// Uno is the one value that a query gives.
func Uno[V any](t testing.TB, a Almacen, consulta string, args ...any) (v V) {
	t.Helper()
	if err := a.Pool.QueryRow(context.Background(), consulta, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// SinHuecos fails unless the history of the purchase counts up from 1, has each step once, and the purchase knows its length.
func (a Almacen) SinHuecos(t rapid.TB, id string) {
	t.Helper()
	var numero, entradas, primera, ultima int
	err := a.Pool.QueryRow(context.Background(), `
select c.numero, count(*), min(h.numero), max(h.numero) from compra c join historia h on h.id_compra = c.id
where c.id = $1 group by c.id`, id).Scan(&numero, &entradas, &primera, &ultima)
	if err != nil {
		t.Fatal(err)
	}
	if primera != 1 || ultima != entradas || numero != entradas {
		t.Fatalf("la compra va por el número %d y su historia tiene %d entradas, de %d a %d", numero, entradas, primera, ultima)
	}
}
