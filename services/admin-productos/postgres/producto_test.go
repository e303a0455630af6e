package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/services/admin-productos/productos"
)

// The catalog has the products and quantities of the earlier system. The products are ordered as numbers.
func TestCatalog(t *testing.T) {
	b := newBodega(t)
	all, err := b.Productos(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	cantidades := []int{500, 400, 500, 300, 500, 300, 500, 400, 100, 500, 1000, 500, 50, 10, 0, 500, 500, 500}
	var has []int
	for _, p := range all {
		has = append(has, p.Cantidad)
		if p.Nombre == "" {
			t.Errorf("product %s has no name", p.ID)
		}
	}
	if !slices.Equal(has, cantidades) || all[1].ID != "2" || all[17].ID != "18" {
		t.Errorf("%v", all)
	}
	b.balances(t)
}

func TestProducto(t *testing.T) {
	b := newBodega(t)
	if p, err := b.Producto(t.Context(), "14"); err != nil || p.ID != "14" || p.Cantidad != 10 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := b.Producto(t.Context(), "19"); errs.Of(err) != errs.NotFound {
		t.Errorf("%v", err)
	}
}

// A search that matches too many products returns the first ones. The list of all would be larger than an answer may be.
func TestSearchIsBounded(t *testing.T) {
	b := newBodega(t)
	if _, err := b.pool.Exec(t.Context(), `insert into producto (id, nombre, cantidad) select 'muchos-'||n, 'Muchos '||n, 1 from generate_series(1000, 3000) n`); err != nil {
		t.Fatal(err)
	}
	for search, first := range map[string]string{"": "1", "muchos": "muchos-1000"} {
		found, err := b.Productos(t.Context(), search)
		if err != nil || len(found) != productos.MaxListed || found[0].ID != first {
			t.Errorf("%q: %d products, %v", search, len(found), err)
		}
	}
}

// Case, accents and the Unicode form do not matter, neither in the search nor in the stored names.
func TestSearchIgnoresHowItIsWritten(t *testing.T) {
	b := newBodega(t)
	if _, err := b.pool.Exec(t.Context(), `insert into producto (id, nombre, cantidad) values
		('20', normalize('Azúcar moreno, 1'||chr(160)||'kg', NFD), 1), ('21', 'Piñón 👩'||chr(8205)||'👧', 1), ('ñ', 'Ω', 1)`); err != nil {
		t.Fatal(err)
	}
	for search, expected := range map[string][]string{
		"cafe": {"1", "13", "14"}, "CAFÉ": {"1", "13", "14"}, "cafe\u0301": {"1", "13", "14"}, "CAFE\u0301 origen": {"1"},
		"azúcar": {"20"}, "azu\u0301car": {"20"}, "AZUCAR": {"20"}, "1 kg azúcar": {"20"}, "1\u00a0kg\tmoreno": {"20"}, "moreno\n1": {"20"},
		"piñón": {"21"}, "pin\u0303o\u0301n": {"21"}, "👩\u200d👧": {"21"}, "nada": nil,
	} {
		matches, err := b.Productos(t.Context(), search)
		var ids []string
		for _, p := range matches {
			ids = append(ids, p.ID)
		}
		slices.Sort(ids)
		if err != nil || !slices.Equal(ids, expected) {
			t.Errorf("%q finds %v, want %v: %v", search, ids, expected, err)
		}
	}
	for _, id := range []string{"ñ", "n\u0303"} { // the search looks for an n, which is also in other names
		matches, err := b.Productos(t.Context(), id)
		if err != nil || !slices.ContainsFunc(matches, func(p productos.Producto) bool { return p.ID == "ñ" }) {
			t.Errorf("%q finds %v, %v", id, matches, err)
		}
	}
}

func TestReponer(t *testing.T) {
	b, ctx := newBodega(t), actor.With(t.Context(), contracts.Actor{Sujeto: "oti", Rol: contracts.RolOperador})
	p, err := b.Reponer(ctx, "15", 20, "clave")
	if err != nil || p.ID != "15" || p.Nombre == "" || p.Cantidad != 20 {
		t.Fatalf("%+v, %v", p, err)
	}
	b.require(t, contracts.ReservarProducto, compra(), []contracts.Linea{linea("15", 5)}, contracts.ProductosReservados)
	again, err := b.Reponer(ctx, "15", 20, "clave")
	if err != nil || again != p {
		t.Errorf("the same key: %+v, %v", again, err)
	}
	acts, err := b.Actos(ctx, contracts.ActosFilter{}, contracts.Cursor{}, 10) // docs/adr/who-did-it.md
	if err != nil || len(acts) != 1 || acts[0].Tipo != contracts.ActoReposicion || acts[0].Sujeto != "oti" || acts[0].Objeto != "15" || !strings.Contains(acts[0].Detalle, "20") {
		t.Errorf("the acts are %+v, %v", acts, err)
	}
	if n := b.count(t, `select count(*) from movimiento where tipo = 'REPOSICION' and sujeto = 'oti' and rol = 'operador'`); n != 1 {
		t.Errorf("%d movements of oti", n)
	}
	for name, c := range map[string]struct {
		id       string
		cantidad int
		key      string
		code     errs.Code
	}{
		"the key with another quantity": {"15", 21, "clave", errs.OtherBody},
		"the key with another product":  {"1", 20, "clave", errs.OtherBody},
		"an unknown product":            {"19", 1, "otra", errs.NotFound},
		"no room for it":                {"1", productos.MaxExistencias, "otra más", errs.Conflict},
	} {
		if _, err := b.Reponer(ctx, c.id, c.cantidad, c.key); errs.Of(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := b.balanceByProducto(t)
	if s["15"].Existencias != 15 || s["15"].Repuesto != 20 || s["1"].Repuesto != 0 {
		t.Errorf("%+v", s)
	}
	b.balances(t)
}

func TestSameReposicionAtOnce(t *testing.T) {
	b := newBodega(t)
	databasetest.Concurrently(40, 20, func(i int) {
		key := []string{"una", "otra"}[i%2]
		if _, err := b.Reponer(t.Context(), "15", 3, key); err != nil {
			t.Error(err)
		}
	})
	if s := b.balanceByProducto(t)["15"]; s.Repuesto != 6 {
		t.Errorf("%+v", s)
	}
	b.balances(t)
}
