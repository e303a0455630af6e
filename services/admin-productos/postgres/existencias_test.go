package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/services/admin-productos/productos"
)

func correccion(cantidad int) contracts.Correccion {
	return contracts.Correccion{Cantidad: cantidad, Motivo: "Recuento: se rompieron"}
}

// A correction adds units to the shelf or takes them away, with a reason and its author, and once for each key. It takes neither more than
// the shelf has nor reserved units.
func TestCorregir(t *testing.T) {
	b := newBodega(t)
	ctx := actor.With(t.Context(), actor.Actor{Sujeto: "oti", Rol: contracts.RolOperador})
	b.require(t, contracts.ReservarProducto, compra(), []contracts.Linea{linea("14", 4)}, contracts.ProductosReservados)
	for i, want := range []int{3, 3} { // the second has the same key
		p, err := b.Corregir(ctx, "14", correccion(-3), "clave")
		if err != nil || p.Cantidad != want || p.Nombre == "" || p.Precio == 0 {
			t.Fatalf("time %d: %+v, %v", i, p, err)
		}
	}
	if p, err := b.Corregir(ctx, "14", correccion(2), "otra"); err != nil || p.Cantidad != 5 {
		t.Errorf("%+v, %v", p, err)
	}
	for name, c := range map[string]struct {
		id, key string
		c       contracts.Correccion
		code    errs.Code
	}{
		"more than the shelf has":        {"14", "a", correccion(-7), errs.Conflict},
		"no room for it":                 {"14", "b", correccion(productos.MaxExistencias), errs.Conflict},
		"an unknown product":             {"19", "c", correccion(1), errs.NotFound},
		"the key with another quantity":  {"14", "clave", correccion(-2), errs.OtherBody},
		"the key with another product":   {"13", "clave", correccion(-3), errs.OtherBody},
		"the key with another reason":    {"14", "clave", contracts.Correccion{Cantidad: -3, Motivo: "otro"}, errs.OtherBody},
		"the key of a restock, as below": {"14", "reposición", correccion(1), errs.OtherBody},
	} {
		if _, err := b.Reponer(ctx, "14", 1, "reposición"); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Corregir(ctx, c.id, c.c, c.key); errs.Of(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.Reponer(ctx, "14", -3, "clave"); errs.Of(err) != errs.OtherBody {
		t.Errorf("a restock with the key of a correction: %v", err)
	}
	if s := b.balanceByProducto(t)["14"]; s.Corregido != -1 || s.Existencias != 6 || s.Reservado != 4 || s.Repuesto != 1 {
		t.Errorf("%+v", s)
	}
	if n := b.count(t, `select count(*) from movimiento where tipo = 'CORRECCION' and sujeto = 'oti' and rol = 'operador' and motivo like 'Recuento%'`); n != 2 {
		t.Errorf("%d corrections say who and why", n)
	}
	if n := b.count(t, `select count(*) from acto where tipo = 'correccion' and sujeto = 'oti' and objeto = '14'`); n != 2 {
		t.Errorf("the audit has %d corrections", n)
	}
	b.balances(t)
}

// Many corrections at once never take more than the shelf has.
func TestCorregirAtOnce(t *testing.T) {
	b := newBodega(t)
	databasetest.Concurrently(30, 15, func(i int) {
		if _, err := b.Corregir(t.Context(), "14", correccion(-1), fmt.Sprint(i%20)); err != nil && errs.Of(err) != errs.Conflict {
			t.Error(err)
		}
	})
	if s := b.balanceByProducto(t)["14"]; s.Existencias != 0 || s.Corregido != -10 {
		t.Errorf("%+v", s)
	}
	b.balances(t)
}

// The ledger has every movement once, newest first, over its pages, with the units on the shelf after each.
func TestMovimientos(t *testing.T) {
	b, ctx, c := newBodega(t), t.Context(), compra()
	who := actor.With(ctx, actor.Actor{Sujeto: "oti", Rol: contracts.RolOperador})
	b.require(t, contracts.ReservarProducto, c, []contracts.Linea{linea("14", 4)}, contracts.ProductosReservados)
	if _, err := b.Reponer(who, "14", 5, "k"); err != nil {
		t.Fatal(err)
	}
	b.require(t, contracts.DespacharReserva, c, nil, contracts.ReservaDespachada)
	if _, err := b.Corregir(who, "14", correccion(-1), "l"); err != nil {
		t.Fatal(err)
	}
	var told []string
	for after, pages := int64(0), 0; pages == 0 || after > 0; pages++ {
		line, list, next, err := b.Movimientos(ctx, "14", "", after, 2)
		if err != nil || line.Existencias != 10 || line.Nombre == "" || pages > 5 {
			t.Fatalf("%+v, %v", line, err)
		}
		for _, m := range list {
			told = append(told, fmt.Sprintf("%s %d→%d %s%s%v", m.Tipo, m.Cantidad, m.Existencias, m.Sujeto, map[bool]string{true: " compra"}[m.IDCompra == c], m.Motivo != ""))
		}
		after = next
	}
	want := []string{"CORRECCION -1→10 otitrue", "DESPACHO -4→11  comprafalse", "REPOSICION 5→11 otifalse", "RESERVA -4→6  comprafalse", "INICIAL 10→10 false"}
	if !slices.Equal(told, want) {
		t.Errorf("%q\nwant %q", told, want)
	}
	if _, list, next, err := b.Movimientos(ctx, "14", contracts.MovimientoReposicion, 0, 10); err != nil || len(list) != 1 || next != 0 {
		t.Errorf("restocks: %+v %d %v", list, next, err)
	}
	if _, _, _, err := b.Movimientos(ctx, "19", "", 0, 10); errs.Of(err) != errs.NotFound {
		t.Errorf("an unknown product: %v", err)
	}
}

// The books can be searched, cut to the products whose stock is low, and read in pages.
func TestBalanceIsFiltered(t *testing.T) {
	b, ctx := newBodega(t), t.Context()
	ids := func(f contracts.BalanceFilter, limit int, after string) string {
		t.Helper()
		list, err := b.Balance(ctx, f, limit, after)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, l := range list {
			ids = append(ids, l.IDProducto)
		}
		return strings.Join(ids, " ")
	}
	if got := ids(contracts.BalanceFilter{Bajas: true}, 100, ""); got != "14 15" { // 10 and 0 units, the threshold is 10
		t.Errorf("low: %s", got)
	}
	for _, change := range []struct {
		id     string
		umbral int
	}{{"14", 9}, {"13", 50}, {"15", 0}} {
		if l, err := b.CambiarUmbral(ctx, change.id, change.umbral); err != nil || l.Umbral != change.umbral || l.IDProducto != change.id {
			t.Errorf("%+v: %+v %v", change, l, err)
		}
	}
	if got := ids(contracts.BalanceFilter{Bajas: true}, 100, ""); got != "13 15" {
		t.Errorf("low with other thresholds: %s", got)
	}
	if got := ids(contracts.BalanceFilter{Buscar: "CAFE"}, 100, ""); got != "1 13 14" {
		t.Errorf("search: %s", got)
	}
	if got := ids(contracts.BalanceFilter{Buscar: "cafe", Bajas: true}, 100, ""); got != "13" {
		t.Errorf("both: %s", got)
	}
	if first, second := ids(contracts.BalanceFilter{}, 10, ""), ids(contracts.BalanceFilter{}, 10, "10"); first != "1 2 3 4 5 6 7 8 9 10" || second != "11 12 13 14 15 16 17 18" {
		t.Errorf("pages: %s; %s", first, second)
	}
	if _, err := b.CambiarUmbral(ctx, "19", 1); errs.Of(err) != errs.NotFound {
		t.Errorf("an unknown product: %v", err)
	}
	if n := b.count(t, `select count(*) from acto where tipo = 'umbral'`); n != 3 {
		t.Errorf("the audit has %d changes", n)
	}
}
