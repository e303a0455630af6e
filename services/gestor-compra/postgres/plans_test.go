package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/gestor-compra/postgrestest"
)

// statesAsParameters has the calls whose queries have states as parameters. id is a purchase in DESPACHADA.
var statesAsParameters = map[string]func(ctx context.Context, a *postgres.Store, id string) error{
	"TakeTurns": func(ctx context.Context, a *postgres.Store, _ string) error {
		_, err := a.TakeTurns(ctx, places(64))
		return err
	},
	"Stalled": func(ctx context.Context, a *postgres.Store, _ string) error {
		_, err := a.Stalled(ctx, time.Minute, time.Hour, 50)
		return err
	},
	"Accept": func(ctx context.Context, a *postgres.Store, _ string) error {
		s := postgrestest.NewSolicitud()
		s.IDUsuario = "u1"
		_, _, err := a.Accept(ctx, s, compras.OpenLimit{Max: 100})
		return err
	},
	"Reintentar": func(ctx context.Context, a *postgres.Store, id string) error {
		if _, err := a.Reintentar(ctx, id, time.Hour); errs.Of(err) != errs.Conflict {
			return fmt.Errorf("want a conflict: %w", err)
		}
		return nil
	},
	"Move": func(ctx context.Context, a *postgres.Store, id string) error {
		_, _, err := a.Move(ctx, change(id, contracts.EstadoIniciada, compras.InTheSaga...))
		return err
	},
	"Pose": func(ctx context.Context, a *postgres.Store, id string) error {
		_, err := a.Pose(ctx, change(id, contracts.EstadoIniciada, compras.InTheSaga...), contracts.ValidarInventario, compras.InTheSaga, false)
		return err
	},
	"Buscar": func(ctx context.Context, a *postgres.Store, _ string) error {
		_, err := a.Buscar(ctx, contracts.ComprasFilter{Estados: compras.InTheSaga}, contracts.Cursor{CreadaEn: time.Now()}, 10)
		return err
	},
	"Buscar of a customer": func(ctx context.Context, a *postgres.Store, _ string) error {
		f := contracts.ComprasFilter{IDUsuario: "u1", Estados: compras.InTheSaga}
		_, err := a.Buscar(ctx, f, contracts.Cursor{CreadaEn: time.Now()}, 10)
		return err
	},
}

// Failure prevented: a query has its states as parameters, and a plan for all parameters cannot use a partial index.
// PostgreSQL may keep one such plan for a prepared statement after five executions. That plan must not read every purchase.
func TestStatesAsParametersUseThePartialIndexes(t *testing.T) {
	a := oneConnection(t)
	fill(t, a, 20000)
	id := a.Compra(t, contracts.EstadoDespachada).ID
	for name, call := range statesAsParameters {
		if n := scans(t, a, func() error { return call(t.Context(), a.Store, id) }); n > 0 {
			t.Errorf("%s read all purchases %d times", name, n)
		}
	}
}

// Failure prevented: PostgreSQL keeps a plan that it made while the table was small, until the table is analyzed again. A plan
// for the present values of the parameters is right at every size. The queries of the other calls need no partial index.
func TestPlansFollowTheSizeOfTheTable(t *testing.T) {
	for _, name := range []string{"TakeTurns", "Stalled", "Reintentar"} {
		a := oneConnection(t)
		a.Do(t, `alter table compra set (autovacuum_enabled = false)`)
		fill(t, a, 40)
		id := a.Compra(t, contracts.EstadoDespachada).ID
		call := func() error { return statesAsParameters[name](t.Context(), a.Store, id) }
		scans(t, a, call) // the table is one page, so PostgreSQL reads the whole table
		a.Do(t, `insert into compra (id, id_usuario, estado, domicilio, productos) select 'e' || n, 'u' || n % 10, 'DESPACHADA', false, '[]' from generate_series(1, 20000) n`)
		if n := scans(t, a, call); n > 0 {
			t.Errorf("%s read all purchases %d times", name, n)
		}
	}
}

// fill adds 20 purchases in flight and the given number of ended purchases, and updates the statistics of the table.
func fill(t *testing.T, a postgrestest.Store, ended int) {
	t.Helper()
	const add = `insert into compra (id, id_usuario, estado, domicilio, productos) select $1::text || n, 'u' || n % 10, $2, false, '[]' from generate_series(1, $3::int) n`
	a.Do(t, add, "c", contracts.EstadoDespachada, ended)
	a.Do(t, add, "d", contracts.EstadoIniciada, 20)
	a.Do(t, `vacuum analyze compra`)
}

// oneConnection returns a store with one connection, which keeps its plans and counts its scans.
func oneConnection(t *testing.T) postgrestest.Store {
	t.Helper()
	config := postgrestest.New(t).Pool.Config()
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return postgrestest.Store{Store: postgres.New(pool), Pool: pool}
}

// scans makes a call 12 times, and returns how often the server read the whole table of purchases, or of their history.
func scans(t *testing.T, a postgrestest.Store, call func() error) int {
	t.Helper()
	count := func() int {
		a.Do(t, `select pg_stat_force_next_flush()`)
		return postgrestest.One[int](t, a, `select sum(seq_scan)::int from pg_stat_user_tables where relname in ('compra', 'historia')`)
	}
	before := count()
	for range 12 {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	return count() - before
}

// The partial indexes have exactly the states that the queries use: every new state of the saga too, and no state in which a
// purchase rests.
func TestPartialIndexesHaveTheStates(t *testing.T) {
	a := postgrestest.New(t)
	for index, states := range map[string][]contracts.Estado{"compra_in_flight": compras.OccupiedPlaces, "compra_open": compras.Open} {
		condition := postgrestest.One[string](t, a, `select pg_get_expr(indpred, indrelid) from pg_index where indexrelid = $1::text::regclass`, index)
		found := map[contracts.Estado]bool{}
		for _, e := range states {
			found[e] = true
		}
		for _, e := range contracts.Estados {
			if in := postgrestest.One[bool](t, a, `select `+condition+` from (select $1::text as estado) c`, e); in != found[e] {
				t.Errorf("%s has %s: %v, and must be %v: edit services/gestor-compra/postgres/migrations", index, e, in, found[e])
			}
		}
	}
}
