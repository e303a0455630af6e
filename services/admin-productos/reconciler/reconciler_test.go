package reconciler_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/internal/inbox"
	"entregas/services/admin-productos/postgres"
	"entregas/services/admin-productos/reconciler"
)

// book has the state of each purchase; a purchase that is not in it does not exist.
type book map[string]contracts.Estado

func (l book) Estado(_ context.Context, id string) (contracts.Estado, error) {
	e, found := l[id]
	if !found {
		return "", errs.New(errs.NotFound, "No existe la compra %s.", id)
	}
	if e == "" {
		return "", errs.Transient(errors.New("it does not answer"))
	}
	return e, nil
}

var someLineas = []contracts.Linea{{IDProducto: "1", Cantidad: 3}, {IDProducto: "2", Cantidad: 1}}

// reservar reserves units for each purchase, dated an hour ago.
func reservar(t *testing.T, pool *pgxpool.Pool, a *postgres.Store, ids ...string) {
	t.Helper()
	for _, id := range ids {
		c, err := inbox.FromMessage(contracts.NewMessage("test", contracts.ReservarProducto, "", contracts.DatosComandoProducto{IDCompra: id, Productos: someLineas}), id)
		if err == nil {
			_, err = a.Reservar(t.Context(), c, someLineas)
		}
		if err == nil {
			_, err = pool.Exec(t.Context(), `update reserva set creada_en = now() - interval '1 hour' where id_compra = $1`, id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func fetch[T any](t *testing.T, pool *pgxpool.Pool, query string, args ...any) (v T) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Reservations of purchases that ended without them, or that do not exist, go back to the shelf. All others stay.
func TestOnlyTheOrphans(t *testing.T) {
	pool := databasetest.New(t, postgres.Migrations)
	a := postgres.New(pool)
	compras := book{"a-confirmada": contracts.EstadoConfirmada, "b-cancelada": contracts.EstadoCancelada, "c-rechazada": contracts.EstadoRechazada,
		"d-en-curso": contracts.EstadoProductosReservados, "f-compensando": contracts.EstadoCompensando}
	reservar(t, pool, a, "a-confirmada", "b-cancelada", "c-rechazada", "d-en-curso", "e-desconocida", "f-compensando")
	r := reconciler.New(a, compras, 10*time.Minute)
	for range 2 { // the second round finds nothing to release
		if err := r.Inspect(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	remaining := fetch[[]string](t, pool, `select array_agg(distinct id_compra order by id_compra) from reserva`)
	if strings.Join(remaining, " ") != "a-confirmada d-en-curso f-compensando" {
		t.Errorf("still reserved: %v", remaining)
	}
	if n := fetch[int](t, pool, `select count(*) from finding where (id_compra, estado) in (('b-cancelada', 'CANCELADA'), ('c-rechazada', 'RECHAZADA'), ('e-desconocida', '')) and done = 'released'`); n != 3 {
		t.Errorf("%d findings", n)
	}
	if n := fetch[int](t, pool, `select count(*) from balance where diferencia <> 0`); n > 0 {
		t.Errorf("%d products do not balance", n)
	}
}

// The units of a purchase were released, and a manual change of the database reserves units for it again. The reconciler only
// records the finding and leaves the units to a person.
func TestWhatCannotBeIsReported(t *testing.T) {
	pool := databasetest.New(t, postgres.Migrations)
	a := postgres.New(pool)
	reservar(t, pool, a, "x")
	if released, err := a.Release(t.Context(), "x", contracts.EstadoRechazada); err != nil || !released {
		t.Fatal(released, err)
	}
	if _, err := pool.Exec(t.Context(), `insert into reserva (id_compra, id_producto, cantidad, creada_en) values ('x', '1', 3, now() - interval '1 hour')`); err != nil {
		t.Fatal(err)
	}
	if err := reconciler.New(a, book{"x": contracts.EstadoCancelada}, time.Minute).Inspect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := fetch[int](t, pool, `select count(*) from finding where done = 'told'`); n != 1 {
		t.Errorf("%d findings told", n)
	}
}

// Failure prevented: gestor-compra is down, and the reconciler releases every reservation.
func TestSilenceReleasesNothing(t *testing.T) {
	pool := databasetest.New(t, postgres.Migrations)
	a := postgres.New(pool)
	reservar(t, pool, a, "x")
	if err := reconciler.New(a, book{"x": ""}, time.Minute).Inspect(t.Context()); err == nil {
		t.Error("there was no answer and no error")
	}
	if n := fetch[int](t, pool, `select count(*) from reserva`); n != len(someLineas) {
		t.Errorf("%d reservations are left", n)
	}
}

func TestWhoSaysThatItDoesNotExist(t *testing.T) {
	for body, code := range map[string]errs.Code{
		`{"type":"urn:entregas:problema:no-encontrado","title":"No encontrado","status":404,"detail":"No existe."}`: errs.NotFound,
		`{"errorCode":"ERR_DIRECT_INVOKE","message":"failed to resolve address"}`:                                   errs.Unavailable,
		`404 page not found`: errs.Unavailable,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(body))
		}))
		_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
		_, err := reconciler.NewManager(port, "").Estado(t.Context(), "x")
		if err == nil || errs.Of(err) != code {
			t.Errorf("%s is %v (%v)", body, errs.Of(err), err)
		}
		server.Close()
	}
}

// Failure prevented: a response without an end fills the memory of admin-productos.
func TestAResponseIsBounded(t *testing.T) {
	for size, code := range map[int]errs.Code{contracts.MaxRequestBody: "", 4 << 20: errs.Unavailable} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"estado":"CONFIRMADA","motivo":%q}`, strings.Repeat("x", size))
		}))
		_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
		estado, err := reconciler.NewManager(port, "").Estado(t.Context(), "x")
		if (err == nil) != (code == "") || err != nil && errs.Of(err) != code || err == nil && estado != contracts.EstadoConfirmada {
			t.Errorf("a response of %d bytes: %q %v", size, estado, err)
		}
		server.Close()
	}
}

// If the row of a product is locked, its reservation is left for a later round. The reservations after it are released in this
// round.
func TestALockedReservationHoldsUpNoOther(t *testing.T) {
	pool := databasetest.Impatient(t, databasetest.New(t, postgres.Migrations))
	a := postgres.New(pool)
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
	r := reconciler.New(a, book{}, time.Minute)
	if err := r.Inspect(t.Context()); errs.Of(err) != errs.Unavailable {
		t.Errorf("the locked one: %v", err)
	}
	if n := fetch[int](t, pool, `select count(*) from reserva where id_compra = 'y'`); n != 0 {
		t.Errorf("the other one waits for the locked one")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Inspect(t.Context()); err != nil {
		t.Error(err)
	}
	if n := fetch[int](t, pool, `select count(*) from reserva`); n != 0 {
		t.Errorf("%d reservations are left", n)
	}
}
