package postgres_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/inbox"
	"entregas/services/admin-productos/postgres"
)

// bodega is a warehouse on a database of its own, with the 18 products.
type bodega struct {
	*postgres.Store
	pool *pgxpool.Pool
}

func newBodega(t testing.TB) bodega {
	t.Helper()
	pool := databasetest.New(t, postgres.Migrations)
	return bodega{postgres.New(pool), pool}
}

// ask carries out one delivery of a command, in a new envelope.
func (b bodega) ask(kind contracts.MessageType, idCompra string, lineas []contracts.Linea) (postgres.Reply, error) {
	ctx := context.Background()
	m := contracts.NewMessage("test", kind, "", contracts.DatosComandoProducto{IDCompra: idCompra, Productos: lineas})
	c, err := inbox.FromMessage(m, idCompra)
	if err != nil {
		return postgres.Reply{}, err
	}
	switch kind {
	case contracts.ReservarProducto:
		return b.Reservar(ctx, c, lineas)
	case contracts.LiberarReserva:
		return b.Liberar(ctx, c, lineas)
	default:
		return b.Despachar(ctx, c, lineas)
	}
}

// require carries out a command and fails the test unless the type of the reply is delay.
func (b bodega) require(t testing.TB, kind contracts.MessageType, idCompra string, lineas []contracts.Linea, delay contracts.MessageType) postgres.Reply {
	t.Helper()
	r, err := b.ask(kind, idCompra, lineas)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	if r.Tipo != delay || r.Data.RespondeA != string(kind) || r.Data.IDCompra != idCompra {
		t.Fatalf("%s: the reply is %+v, want %s", kind, r, delay)
	}
	return r
}

// balance is a row of view balance.
type balance struct {
	IDProducto, Nombre                                                             string
	Inicial, Repuesto, Corregido, Existencias, Reservado, Despachado, Diff, Umbral int
}

func (b bodega) balanceByProducto(t testing.TB) map[string]balance {
	t.Helper()
	rows, err := b.pool.Query(context.Background(), `select * from balance`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[balance])
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]balance{}
	for _, s := range list {
		m[s.IDProducto] = s
	}
	return m
}

// balances fails the test unless the books are right (docs/adr/stock-is-conserved.md): no unit is lost or made up, and the
// movements in the ledger add up to the units on the shelf and in the reservations.
func (b bodega) balances(t testing.TB) {
	t.Helper()
	for id, s := range b.balanceByProducto(t) {
		if s.Diff != 0 || s.Existencias < 0 || s.Reservado < 0 || s.Despachado < 0 {
			t.Errorf("product %s: it does not balance: %+v", id, s)
		}
	}
	const badOnes = `
		with libro as (
			select id_producto, id, quedan,
				sum(cantidad) filter (where tipo <> 'DESPACHO') over (partition by id_producto order by id) as segun_libro
			from movimiento)
		select count(*) from libro where quedan <> segun_libro`
	if n := b.count(t, badOnes); n != 0 {
		t.Errorf("%d rows of movimiento have another stock than the sum of those before", n)
	}
	const otherReserva = `
		select count(*) from (
			select id_compra, id_producto, -sum(cantidad) filter (where tipo = 'RESERVA') - coalesce(sum(cantidad) filter (where tipo = 'LIBERACION'), 0)
				+ coalesce(sum(cantidad) filter (where tipo = 'DESPACHO'), 0) as cantidad
			from movimiento where id_compra is not null group by id_compra, id_producto) libro
		full join reserva r using (id_compra, id_producto)
		where coalesce(libro.cantidad, 0) <> coalesce(r.cantidad, 0)`
	if n := b.count(t, otherReserva); n != 0 {
		t.Errorf("%d reservations differ from the ledger", n)
	}
}

func (b bodega) count(t testing.TB, query string, args ...any) (n int) {
	t.Helper()
	if err := b.pool.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func compra() string { return uuid.Must(uuid.NewV7()).String() }

func linea(id string, cantidad int) contracts.Linea {
	return contracts.Linea{IDProducto: id, Cantidad: cantidad}
}
