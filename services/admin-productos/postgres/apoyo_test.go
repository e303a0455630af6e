package postgres_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/services/admin-productos/postgres"
	"entregas/services/internal/basetest"
	"entregas/services/internal/inbox"
)

// bodega is a warehouse on a database of its own, with the 18 products.
type bodega struct {
	*postgres.Almacen
	pool *pgxpool.Pool
}

func nuevaBodega(t testing.TB) bodega {
	t.Helper()
	pool := basetest.Nueva(t, postgres.Migraciones)
	return bodega{postgres.Nuevo(pool), pool}
}

// pedir sends one command, in an envelope of its own.
func (b bodega) pedir(tipo contracts.Tipo, idCompra string, lineas []contracts.Linea) (postgres.Respuesta, error) {
	ctx := context.Background()
	m := contracts.NuevoMensaje("prueba", tipo, "", contracts.DatosComandoProducto{IDCompra: idCompra, Productos: lineas})
	c, err := inbox.DeMensaje(m, idCompra)
	if err != nil {
		return postgres.Respuesta{}, err
	}
	switch tipo {
	case contracts.ReservarProducto:
		return b.Reservar(ctx, c, lineas)
	case contracts.LiberarReserva:
		return b.Liberar(ctx, c, lineas)
	default:
		return b.Despachar(ctx, c, lineas)
	}
}

// exigir is pedir where the answer is known beforehand.
func (b bodega) exigir(t testing.TB, tipo contracts.Tipo, idCompra string, lineas []contracts.Linea, espera contracts.Tipo) postgres.Respuesta {
	t.Helper()
	r, err := b.pedir(tipo, idCompra, lineas)
	if err != nil {
		t.Fatalf("%s: %v", tipo, err)
	}
	if r.Tipo != espera || r.Data.RespondeA != string(tipo) || r.Data.IDCompra != idCompra {
		t.Fatalf("%s: respondió %+v, se esperaba %s", tipo, r, espera)
	}
	return r
}

// saldo is a row of view balance.
type saldo struct {
	IDProducto                                                 string
	Inicial, Repuesto, Existencias, Reservado, Despachado, Dif int
}

func (b bodega) saldos(t testing.TB) map[string]saldo {
	t.Helper()
	filas, err := b.pool.Query(context.Background(), `select * from balance`)
	if err != nil {
		t.Fatal(err)
	}
	lista, err := pgx.CollectRows(filas, pgx.RowToStructByPos[saldo])
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]saldo{}
	for _, s := range lista {
		m[s.IDProducto] = s
	}
	return m
}

// cuadra fails unless the books are true (docs/adr/stock-is-conserved.md): nothing is lost or made up, and the ledger tells the
// same as the shelf and the reservations, movement by movement.
func (b bodega) cuadra(t testing.TB) {
	t.Helper()
	for id, s := range b.saldos(t) {
		if s.Dif != 0 || s.Existencias < 0 || s.Reservado < 0 || s.Despachado < 0 {
			t.Errorf("producto %s: no cuadra: %+v", id, s)
		}
	}
	const malos = `
		with libro as (
			select id_producto, id, quedan,
				sum(cantidad) filter (where tipo <> 'DESPACHO') over (partition by id_producto order by id) as segun_libro
			from movimiento)
		select count(*) from libro where quedan <> segun_libro`
	if n := b.contar(t, malos); n != 0 {
		t.Errorf("%d movimientos dicen otra existencia que la suma de los anteriores", n)
	}
	const otraReserva = `
		select count(*) from (
			select id_compra, id_producto, -sum(cantidad) filter (where tipo = 'RESERVA') - coalesce(sum(cantidad) filter (where tipo = 'LIBERACION'), 0)
				+ coalesce(sum(cantidad) filter (where tipo = 'DESPACHO'), 0) as cantidad
			from movimiento where id_compra is not null group by id_compra, id_producto) libro
		full join reserva r using (id_compra, id_producto)
		where coalesce(libro.cantidad, 0) <> coalesce(r.cantidad, 0)`
	if n := b.contar(t, otraReserva); n != 0 {
		t.Errorf("%d reservas no son las del libro", n)
	}
}

func (b bodega) contar(t testing.TB, consulta string, args ...any) (n int) {
	t.Helper()
	if err := b.pool.QueryRow(context.Background(), consulta, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func compra() string { return uuid.Must(uuid.NewV7()).String() }

func linea(id string, cantidad int) contracts.Linea {
	return contracts.Linea{IDProducto: id, Cantidad: cantidad}
}
