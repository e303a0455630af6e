package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/gestor-compra/postgrestest"
)

// Failure prevented: the states of a query are parameters, and a plan for any states cannot use a partial index. The server may
// keep one plan of a prepared statement after five executions: it must not be one that reads every purchase.
func TestStatesAsParametersUseThePartialIndexes(t *testing.T) {
	a := postgrestest.New(t)
	a.Do(t, `insert into compra (id, id_usuario, estado, domicilio, productos) select 'c' || n, 'u' || n % 10, 'DESPACHADA', false, '[]' from generate_series(1, 20000) n`)
	a.Do(t, `insert into compra (id, id_usuario, estado, domicilio, productos) select 'd' || n, 'u' || n % 10, 'INICIADA', false, '[]' from generate_series(1, 20) n`)
	a.Do(t, `vacuum analyze compra`)
	config := a.Pool.Config()
	config.MaxConns = 1 // the plans are a connection's
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	one := postgres.New(pool)
	for name, do := range map[string]func() error{
		"TakeTurns": func() error {
			_, err := one.TakeTurns(t.Context(), places(64))
			return err
		},
		"Stalled": func() error {
			_, err := one.Stalled(t.Context(), time.Minute, time.Hour, 50)
			return err
		},
		"Accept": func() error {
			s := postgrestest.NewSolicitud()
			s.ID, s.IDUsuario = uuid.Must(uuid.NewV7()).String(), "u1"
			_, _, err := one.Accept(t.Context(), s, compras.OpenLimit{Max: 100})
			return err
		},
	} {
		scans := func() (n int) {
			const read = `select seq_scan from pg_stat_user_tables where relname = 'compra'`
			if _, err := pool.Exec(t.Context(), `select pg_stat_force_next_flush()`); err != nil {
				t.Fatal(err)
			}
			if err := pool.QueryRow(t.Context(), read).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := scans()
		for range 12 {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
		if n := scans() - before; n > 0 {
			t.Errorf("%s read all purchases %d times", name, n)
		}
	}
}

// The partial indexes have the states that the queries ask for: a new state of the saga, and none at rest.
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
