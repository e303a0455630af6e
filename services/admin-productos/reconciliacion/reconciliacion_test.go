package reconciliacion_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/services/admin-productos/postgres"
	"entregas/services/admin-productos/reconciliacion"
	"entregas/services/internal/basetest"
	"entregas/services/internal/errores"
	"entregas/services/internal/inbox"
)

// libro is where each purchase stands; one that is not in it nobody knows.
type libro map[string]contracts.Estado

func (l libro) Estado(_ context.Context, id string) (contracts.Estado, error) {
	e, hay := l[id]
	if !hay {
		return "", errores.Nuevo(errores.NoEncontrado, "No existe la compra %s.", id)
	}
	if e == "" {
		return "", errores.Pasajero(errors.New("no responde"))
	}
	return e, nil
}

var unas = []contracts.Linea{{IDProducto: "1", Cantidad: 3}, {IDProducto: "2", Cantidad: 1}}

// reservar gives a purchase its units, an hour ago.
func reservar(t *testing.T, pool *pgxpool.Pool, a *postgres.Almacen, ids ...string) {
	t.Helper()
	for _, id := range ids {
		c, err := inbox.DeMensaje(contracts.NuevoMensaje("prueba", contracts.ReservarProducto, "", contracts.DatosComandoProducto{IDCompra: id, Productos: unas}), id)
		if err == nil {
			_, err = a.Reservar(t.Context(), c, unas)
		}
		if err == nil {
			_, err = pool.Exec(t.Context(), `update reserva set creada_en = now() - interval '1 hour' where id_compra = $1`, id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func leer[T any](t *testing.T, pool *pgxpool.Pool, consulta string, args ...any) (v T) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), consulta, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// By hand: reservations of purchases that ended without them, or that nobody knows, go back to the shelf; all others stay.
func TestSoloLasHuerfanas(t *testing.T) {
	pool := basetest.Nueva(t, postgres.Migraciones)
	a := postgres.Nuevo(pool)
	compras := libro{"a-confirmada": contracts.EstadoConfirmada, "b-cancelada": contracts.EstadoCancelada, "c-rechazada": contracts.EstadoRechazada,
		"d-en-curso": contracts.EstadoProductosReservados, "f-compensando": contracts.EstadoCompensando}
	reservar(t, pool, a, "a-confirmada", "b-cancelada", "c-rechazada", "d-en-curso", "e-desconocida", "f-compensando")
	r := reconciliacion.Nuevo(a, compras, 10*time.Minute)
	for range 2 { // the second time there is nothing left to find
		if err := r.Revisar(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	quedan := leer[[]string](t, pool, `select array_agg(distinct id_compra order by id_compra) from reserva`)
	if strings.Join(quedan, " ") != "a-confirmada d-en-curso f-compensando" {
		t.Errorf("quedan reservadas %v", quedan)
	}
	if n := leer[int](t, pool, `select count(*) from hallazgo where (id_compra, estado) in (('b-cancelada', 'CANCELADA'), ('c-rechazada', 'RECHAZADA'), ('e-desconocida', '')) and hecho = 'liberada'`); n != 3 {
		t.Errorf("%d hallazgos", n)
	}
	if n := leer[int](t, pool, `select count(*) from balance where diferencia <> 0`); n > 0 {
		t.Errorf("%d productos no cuadran", n)
	}
}

// A reservation that was released and is there again is a hand in the books: told, and left to a person.
func TestLoQueNoPuedeSerSeInforma(t *testing.T) {
	pool := basetest.Nueva(t, postgres.Migraciones)
	a := postgres.Nuevo(pool)
	reservar(t, pool, a, "x")
	if soltada, err := a.Soltar(t.Context(), "x", contracts.EstadoRechazada); err != nil || !soltada {
		t.Fatal(soltada, err)
	}
	if _, err := pool.Exec(t.Context(), `insert into reserva (id_compra, id_producto, cantidad, creada_en) values ('x', '1', 3, now() - interval '1 hour')`); err != nil {
		t.Fatal(err)
	}
	if err := reconciliacion.Nuevo(a, libro{"x": contracts.EstadoCancelada}, time.Minute).Revisar(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := leer[int](t, pool, `select count(*) from hallazgo where hecho = 'informada'`); n != 1 {
		t.Errorf("%d hallazgos informados", n)
	}
}

// Failure prevented: gestor-compra is down, and everything reserved goes back to the shelf.
func TestElSilencioNoLiberaNada(t *testing.T) {
	pool := basetest.Nueva(t, postgres.Migraciones)
	a := postgres.Nuevo(pool)
	reservar(t, pool, a, "x")
	if err := reconciliacion.Nuevo(a, libro{"x": ""}, time.Minute).Revisar(t.Context()); err == nil {
		t.Error("nadie contestó y no se dijo")
	}
	if n := leer[int](t, pool, `select count(*) from reserva`); n != len(unas) {
		t.Errorf("quedan %d reservas", n)
	}
}

func TestQuienDiceQueNoExiste(t *testing.T) {
	for cuerpo, codigo := range map[string]errores.Codigo{
		`{"type":"urn:entregas:problema:no-encontrado","title":"No encontrado","status":404,"detail":"No existe."}`: errores.NoEncontrado,
		`{"errorCode":"ERR_DIRECT_INVOKE","message":"failed to resolve address"}`:                                   errores.NoDisponible,
		`404 page not found`: errores.NoDisponible,
	} {
		servidor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(cuerpo))
		}))
		_, puerto, _ := strings.Cut(strings.TrimPrefix(servidor.URL, "http://"), ":")
		_, err := reconciliacion.NuevoGestor(puerto, "").Estado(t.Context(), "x")
		if err == nil || errores.De(err) != codigo {
			t.Errorf("%s es %v (%v)", cuerpo, errores.De(err), err)
		}
		servidor.Close()
	}
}

// A reservation whose rows somebody holds comes another time; those after it are released now.
func TestALockedReservationHoldsUpNoOther(t *testing.T) {
	pool := basetest.Impatient(t, basetest.Nueva(t, postgres.Migraciones))
	a := postgres.Nuevo(pool)
	reservar(t, pool, a, "x", "y")
	if _, err := pool.Exec(t.Context(), `update reserva set id_producto = '9' where id_compra = 'y' and id_producto = '1'; update reserva set id_producto = '10' where id_compra = 'y' and id_producto = '2'`); err != nil {
		t.Fatal(err)
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `select from producto where id = '1' for update`); err != nil {
		t.Fatal(err)
	}
	r := reconciliacion.Nuevo(a, libro{}, time.Minute)
	if err := r.Revisar(t.Context()); errores.De(err) != errores.NoDisponible {
		t.Errorf("la bloqueada: %v", err)
	}
	if n := leer[int](t, pool, `select count(*) from reserva where id_compra = 'y'`); n != 0 {
		t.Errorf("la otra espera a la bloqueada")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Revisar(t.Context()); err != nil {
		t.Error(err)
	}
	if n := leer[int](t, pool, `select count(*) from reserva`); n != 0 {
		t.Errorf("quedan %d reservas", n)
	}
}
