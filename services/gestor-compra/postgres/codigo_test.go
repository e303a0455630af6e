package postgres_test

import (
	"context"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/database"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/gestor-compra/postgrestest"
)

// A purchase has one code for ever, and no two have the same: of two that draw it, the second draws again.
func TestEachPurchaseHasItsCode(t *testing.T) {
	a, first, second := postgrestest.New(t), postgrestest.NewSolicitud(), postgrestest.NewSolicitud()
	one, _, err := a.Accept(t.Context(), first, postgrestest.OpenLimit)
	if err != nil || one.Codigo == "" {
		t.Fatalf("%+v %v", one, err)
	}
	again, fresh, err := a.Accept(t.Context(), first, postgrestest.OpenLimit)
	if err != nil || fresh || again.Codigo != one.Codigo {
		t.Errorf("taken again as %q, want %q: %v", again.Codigo, one.Codigo, err)
	}
	free := contracts.NewCodigo()
	draws := []string{one.Codigo, one.Codigo, free}
	other, fresh, err := a.AcceptDrawing(t.Context(), second, postgrestest.OpenLimit, func() string { c := draws[0]; draws = draws[1:]; return c })
	if err != nil || !fresh || other.Codigo != free || len(other.Historia) != 1 {
		t.Errorf("%+v %v", other, err)
	}
	if _, _, err := a.AcceptDrawing(t.Context(), postgrestest.NewSolicitud(), postgrestest.OpenLimit, func() string { return free }); err == nil {
		t.Error("two purchases have one code")
	}
	for code, want := range map[string]contracts.SolicitudCompra{one.Codigo: first, free: second} {
		if found, err := a.ByCodigo(t.Context(), code); err != nil || found.ID != want.ID || found.IDUsuario != want.IDUsuario {
			t.Errorf("%s is of %+v, %v", code, found, err)
		}
	}
	_, err = a.ByCodigo(t.Context(), contracts.NewCodigo())
	wantCode(t, err, errs.NotFound)
}

// Failure prevented: the migration changes every purchase in one transaction, and each writer waits for it. The migration changes none. The
// purchases get their codes afterwards, in small transactions that wait for nobody: people can check each code, and no two are the same.
func TestPurchasesOfBeforeGetACode(t *testing.T) {
	before, all := fstest.MapFS{}, postgres.Migrations
	files, err := fs.Glob(all, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if text, err := fs.ReadFile(all, name); err == nil && path.Base(name) < "00019" {
			before[name] = &fstest.MapFile{Data: text}
		}
	}
	pool := databasetest.New(t, before)
	store := postgres.New(pool)
	add := func(from, to int) {
		t.Helper()
		const old = `insert into compra (id, id_usuario, productos, domicilio, estado) select 'c' || n, 'ana', '[]', false, 'CONFIRMADA' from generate_series($1::int, $2::int) n`
		if _, err := pool.Exec(t.Context(), old, from, to); err != nil {
			t.Fatal(err)
		}
	}
	count := func(sql string) (n int) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	fill := func() {
		t.Helper()
		if err := store.FillCodigos(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	const (
		lacking     = `select count(*) from compra where codigo = ''`
		transaction = `select max(n) from (select count(*) n from compra group by xmin::text) c` // the largest number of purchases that one has changed
	)
	add(1, 2000)
	if err := database.Migrate(t.Context(), pool, all); err != nil {
		t.Fatal(err)
	}
	if n, changed := count(lacking), count(transaction); n != 2000 || changed != 2000 {
		t.Errorf("after the migration %d of 2000 purchases lack a code, and %d are as they were", n, changed)
	}
	writer, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Rollback(context.Background()) }()
	if _, err := writer.Exec(t.Context(), `update compra set motivo = 'x' where id = 'c7'`); err != nil {
		t.Fatal(err)
	}
	fill()
	if n, changed := count(lacking), count(transaction); n != 1 || changed > 200 {
		t.Errorf("%d purchases lack a code, want the one that a writer holds; a transaction has changed %d purchases", n, changed)
	}
	if err := writer.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(2001, 2002) // as a replica of before does during a rollout
	fill()
	rows, err := pool.Query(t.Context(), `select codigo from compra`)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, code := range codes {
		if parsed, err := contracts.ParseCodigo(code); err != nil || parsed != code {
			t.Fatalf("the code %q: %v", code, err)
		}
		seen[code] = true
	}
	if len(seen) != 2002 {
		t.Errorf("%d codes of 2002 purchases", len(seen))
	}
}

// Looking for purchases without a code reads no others.
func TestTheSearchForPurchasesWithoutACodeReadsNone(t *testing.T) {
	pool := databasetest.New(t, postgres.Migrations)
	const many = `insert into compra (id, id_usuario, productos, domicilio, estado, codigo) select 'c' || n, 'ana', '[]', false, 'CONFIRMADA', 'x' || n from generate_series(1, 5000) n`
	for _, sql := range []string{many, `analyze compra`} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := pool.Query(t.Context(), `explain `+postgres.WithoutCodigo, "c1", 200)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || !strings.Contains(strings.Join(plan, " "), "compra_without_codigo") {
		t.Errorf("%v %v", plan, err)
	}
}
