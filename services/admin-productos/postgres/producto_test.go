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
