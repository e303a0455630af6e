package audit_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/audit"
	"entregas/internal/databasetest"
)

// fresh returns a database with the table that the doc comment of package audit has.
func fresh(t *testing.T) *pgxpool.Pool {
	t.Helper()
	source, err := os.ReadFile("audit.go")
	if err != nil {
		t.Fatal(err)
	}
	var schema strings.Builder
	for line := range strings.SplitSeq(string(source), "\n") {
		if statement, ok := strings.CutPrefix(line, "//\t"); ok {
			schema.WriteString(statement + "\n")
		}
	}
	return databasetest.New(t, fstest.MapFS{"migrations/00001_test.sql": {Data: []byte("-- +goose Up\n" + schema.String())}})
}

func record(t *testing.T, pool *pgxpool.Pool, who, object, compra string, tipo contracts.TipoDeActo) {
	t.Helper()
	ctx := actor.With(t.Context(), contracts.Actor{Sujeto: who, Rol: contracts.RolOperador})
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		return audit.Record(ctx, tx, contracts.Acto{Tipo: tipo, Objeto: object, IDCompra: compra, Motivo: "porque sí\n=1"}.Telling(
			contracts.TextoPrimerPrecio, contracts.ImporteDeActo("ahora", contracts.MaxTotal, "COP")))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Each filter selects its acts, and the pages of a list have each act once, also where many are of one instant.
func TestList(t *testing.T) {
	pool := fresh(t)
	for i := range 3 {
		record(t, pool, "oti", fmt.Sprint("p", i), "c1", contracts.ActoDespacho)
		record(t, pool, "eli", fmt.Sprint("p", i), "", contracts.ActoReposicion)
	}
	if _, err := pool.Exec(t.Context(), `update acto set en = timestamptz '2026-01-01' + interval '1 hour' * (objeto = 'p2')::int`); err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		f    contracts.ActosFilter
		want int
	}{
		{"all", contracts.ActosFilter{}, 6},
		{"of a person", contracts.ActosFilter{Sujeto: "oti"}, 3},
		{"of nobody", contracts.ActosFilter{Sujeto: "%"}, 0},
		{"of a kind", contracts.ActosFilter{Tipos: []contracts.TipoDeActo{contracts.ActoReposicion}}, 3},
		{"of two kinds", contracts.ActosFilter{Tipos: []contracts.TipoDeActo{contracts.ActoReposicion, contracts.ActoDespacho}}, 6},
		{"since then", contracts.ActosFilter{Desde: first.Add(time.Minute)}, 2},
		{"until then", contracts.ActosFilter{Hasta: first.Add(time.Hour)}, 4},
		{"between", contracts.ActosFilter{Desde: first, Hasta: first}, 0},
		{"of a purchase", contracts.ActosFilter{ID: "c1"}, 3},
		{"of an object", contracts.ActosFilter{ID: "p1"}, 2},
		{"of all of it", contracts.ActosFilter{ID: "p1", Sujeto: "oti", Tipos: []contracts.TipoDeActo{contracts.ActoDespacho}, Desde: first, Hasta: first.Add(time.Hour)}, 1},
	} {
		var found []contracts.Acto
		for after, pages := (contracts.Cursor{}), 0; pages < 10; pages++ {
			page, err := audit.List(t.Context(), pool, c.f, after, 2)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if found = append(found, page...); len(page) < 2 {
				break
			}
			if after, err = contracts.ParseCursor(page[1].Cursor().String()); err != nil {
				t.Fatal(err)
			}
		}
		inOrder := slices.IsSortedFunc(found, func(a, b contracts.Acto) int {
			return -strings.Compare(a.En.Format(time.RFC3339)+a.ID, b.En.Format(time.RFC3339)+b.ID)
		})
		if len(found) != c.want || !inOrder || len(slices.CompactFunc(slices.Clone(found), func(a, b contracts.Acto) bool { return a.ID == b.ID })) != c.want {
			t.Errorf("%s: %d acts, want %d: %+v", c.name, len(found), c.want, found)
		}
	}
	acts, err := audit.List(t.Context(), pool, contracts.ActosFilter{ID: "p1", Sujeto: "eli"}, contracts.Cursor{}, 1)
	if err != nil || acts[0].Objeto != "p1" || acts[0].Rol != contracts.RolOperador || acts[0].Motivo != "porque sí\n=1" || acts[0].Detalle != "El precio es 90071992547409,91 COP." || acts[0].Texto != contracts.TextoPrimerPrecio || *acts[0].Valores[0].Numero != contracts.MaxTotal || acts[0].Tipo != contracts.ActoReposicion {
		t.Errorf("%+v %v", acts, err)
	}
}

// Failure prevented: a list of one object, or of one person, reads all acts there are. PostgreSQL may keep one plan for all parameters after
// five executions of a statement.
func TestAListReadsFewActs(t *testing.T) {
	pool := fresh(t)
	const fill = `insert into acto (id, tipo, sujeto, rol, objeto, id_compra)
		select gen_random_uuid(), 'despacho', 'p' || n, 'operador', 'o' || n, 'c' || n from generate_series(1, 20000) n`
	if _, err := pool.Exec(t.Context(), fill); err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Acquire(t.Context()) // one connection, which keeps its plans and counts what it reads
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	read := func() (n int) {
		const count = `select (select idx_tup_read from pg_stat_user_indexes where indexrelname = 'acto_by_en') + seq_tup_read from pg_stat_user_tables where relname = 'acto'`
		_, err := conn.Exec(t.Context(), `select pg_stat_force_next_flush()`)
		if err == nil {
			err = conn.QueryRow(t.Context(), count).Scan(&n)
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if _, err := conn.Exec(t.Context(), `analyze acto`); err != nil {
		t.Fatal(err)
	}
	for _, f := range []contracts.ActosFilter{{ID: "o7"}, {ID: "c7"}, {Sujeto: "p7"}, {Sujeto: "nadie"}, {}} {
		before := read()
		for range 12 {
			if _, err := audit.List(t.Context(), conn, f, contracts.Cursor{}, 50); err != nil {
				t.Fatal(err)
			}
		}
		if n := read() - before; n > 12*100 {
			t.Errorf("%+v read %d acts", f, n)
		}
	}
}

// An act of a change that is rolled back does not exist. The instant of an act is exact to the millisecond, as in JSON.
func TestAnActIsPartOfItsChange(t *testing.T) {
	pool := fresh(t)
	undone := errors.New("undone")
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if err := audit.Record(context.Background(), tx, contracts.Acto{Tipo: contracts.ActoPrecio, Objeto: "1"}); err != nil {
			return err
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	if acts, err := audit.List(t.Context(), pool, contracts.ActosFilter{}, contracts.Cursor{}, 1); len(acts) != 0 || err != nil {
		t.Errorf("%+v %v", acts, err)
	}
	record(t, pool, "oti", "1", "", contracts.ActoPrecio)
	if acts, err := audit.List(t.Context(), pool, contracts.ActosFilter{}, contracts.Cursor{}, 1); err != nil || !acts[0].En.Equal(acts[0].En.Truncate(time.Millisecond)) {
		t.Errorf("%+v %v", acts, err)
	}
}
