package postgres_test

import (
	"io/fs"
	"path"
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

// The migration gives each purchase of before a code that people can check, and no two the same.
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
	const old = `insert into compra (id, id_usuario, productos, domicilio, estado) select 'c' || n, 'ana', '[]', false, 'CONFIRMADA' from generate_series(1, 2000) n`
	if _, err := pool.Exec(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if err := database.Migrate(t.Context(), pool, all); err != nil {
		t.Fatal(err)
	}
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
	if len(seen) != 2000 {
		t.Errorf("%d codes of 2000 purchases", len(seen))
	}
}
