package postgres_test

import (
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/services/admin-productos/productos"
	"entregas/services/internal/basetest"
	"entregas/services/internal/errores"
	"entregas/services/internal/inbox"
)

// The products and quantities of the system that came before, in a person's order.
func TestElCatalogo(t *testing.T) {
	b := nuevaBodega(t)
	todos, err := b.Productos(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	cantidades := []int{500, 400, 500, 300, 500, 300, 500, 400, 100, 500, 1000, 500, 50, 10, 0, 500, 500, 500}
	var tiene []int
	for _, p := range todos {
		tiene = append(tiene, p.Cantidad)
		if p.Nombre == "" {
			t.Errorf("el producto %s no tiene nombre", p.ID)
		}
	}
	if !slices.Equal(tiene, cantidades) || todos[1].ID != "2" || todos[17].ID != "18" {
		t.Errorf("%v", todos)
	}
	b.cuadra(t)
}

func TestProducto(t *testing.T) {
	b := nuevaBodega(t)
	if p, err := b.Producto(t.Context(), "14"); err != nil || p.ID != "14" || p.Cantidad != 10 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := b.Producto(t.Context(), "19"); errores.De(err) != errores.NoEncontrado {
		t.Errorf("%v", err)
	}
}

// A search of very many products finds the first ones: the list of all would be longer than an answer may be.
func TestSearchIsBounded(t *testing.T) {
	b := nuevaBodega(t)
	if _, err := b.pool.Exec(t.Context(), `insert into producto (id, nombre, cantidad) select 'muchos-'||n, 'Muchos '||n, 1 from generate_series(1000, 3000) n`); err != nil {
		t.Fatal(err)
	}
	for buscar, first := range map[string]string{"": "1", "muchos": "muchos-1000"} {
		found, err := b.Productos(t.Context(), buscar)
		if err != nil || len(found) != productos.MaxListed || found[0].ID != first {
			t.Errorf("%q: %d products, %v", buscar, len(found), err)
		}
	}
}

// The way in which a letter was typed does not matter, in what is looked for and in what was stored long ago.
func TestSearchIgnoresHowItIsWritten(t *testing.T) {
	b := nuevaBodega(t)
	if _, err := b.pool.Exec(t.Context(), `insert into producto (id, nombre, cantidad) values
		('20', normalize('Azúcar moreno, 1'||chr(160)||'kg', NFD), 1), ('21', 'Piñón 👩'||chr(8205)||'👧', 1), ('ñ', 'Ω', 1)`); err != nil {
		t.Fatal(err)
	}
	for buscar, esperados := range map[string][]string{
		"cafe": {"1", "13", "14"}, "CAFÉ": {"1", "13", "14"}, "cafe\u0301": {"1", "13", "14"}, "CAFE\u0301 origen": {"1"},
		"azúcar": {"20"}, "azu\u0301car": {"20"}, "AZUCAR": {"20"}, "1 kg azúcar": {"20"}, "1\u00a0kg\tmoreno": {"20"}, "moreno\n1": {"20"},
		"piñón": {"21"}, "pin\u0303o\u0301n": {"21"}, "👩\u200d👧": {"21"}, "nada": nil,
	} {
		hallados, err := b.Productos(t.Context(), buscar)
		var ids []string
		for _, p := range hallados {
			ids = append(ids, p.ID)
		}
		slices.Sort(ids)
		if err != nil || !slices.Equal(ids, esperados) {
			t.Errorf("%q finds %v, want %v: %v", buscar, ids, esperados, err)
		}
	}
	for _, id := range []string{"ñ", "n\u0303"} { // as a word it is an n, which other names have too
		hallados, err := b.Productos(t.Context(), id)
		if err != nil || !slices.ContainsFunc(hallados, func(p productos.Producto) bool { return p.ID == "ñ" }) {
			t.Errorf("%q finds %v, %v", id, hallados, err)
		}
	}
}

func TestReponer(t *testing.T) {
	b, ctx := nuevaBodega(t), t.Context()
	p, err := b.Reponer(ctx, "15", 20, "clave")
	if err != nil || p.ID != "15" || p.Nombre == "" || p.Cantidad != 20 {
		t.Fatalf("%+v, %v", p, err)
	}
	b.exigir(t, contracts.ReservarProducto, compra(), []contracts.Linea{linea("15", 5)}, contracts.ProductosReservados)
	otraVez, err := b.Reponer(ctx, "15", 20, "clave")
	if err != nil || otraVez != p {
		t.Errorf("la misma clave: %+v, %v", otraVez, err)
	}
	for nombre, c := range map[string]struct {
		id       string
		cantidad int
		clave    string
		codigo   errores.Codigo
	}{
		"the key with another quantity": {"15", 21, "clave", errores.OtroCuerpo},
		"the key with another product":  {"1", 20, "clave", errores.OtroCuerpo},
		"an unknown product":            {"19", 1, "otra", errores.NoEncontrado},
		"no room for it":                {"1", productos.MaxExistencias, "otra más", errores.Conflicto},
	} {
		if _, err := b.Reponer(ctx, c.id, c.cantidad, c.clave); errores.De(err) != c.codigo {
			t.Errorf("%s: %v", nombre, err)
		}
	}
	s := b.saldos(t)
	if s["15"].Existencias != 15 || s["15"].Repuesto != 20 || s["1"].Repuesto != 0 {
		t.Errorf("%+v", s)
	}
	b.cuadra(t)
}

func TestLaMismaReposicionALaVez(t *testing.T) {
	b := nuevaBodega(t)
	basetest.ALaVez(40, 20, func(i int) {
		clave := []string{"una", "otra"}[i%2]
		if _, err := b.Reponer(t.Context(), "15", 3, clave); err != nil {
			t.Error(err)
		}
	})
	if s := b.saldos(t)["15"]; s.Repuesto != 6 {
		t.Errorf("%+v", s)
	}
	b.cuadra(t)
}

func TestPurgarNoOlvidaLoReciente(t *testing.T) {
	b, c := nuevaBodega(t), compra()
	b.exigir(t, contracts.ReservarProducto, c, dosLineas, contracts.ProductosReservados)
	if err := inbox.Purgar(t.Context(), b.pool); err != nil {
		t.Fatal(err)
	}
	if b.contar(t, `select count(*) from inbox`) != 1 {
		t.Error("olvidó una respuesta reciente")
	}
}
