package postgres_test

import (
	"context"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/services/admin-productos/productos"
)

func price(amount int64) contracts.CambioDePrecio {
	return contracts.CambioDePrecio{Precio: amount, Moneda: "COP", Motivo: "Prueba"}
}

// Each product of the catalogue has a price. A product that was added without one is listed and has none.
func TestCatalogHasPrices(t *testing.T) {
	b := newBodega(t)
	if _, err := b.pool.Exec(t.Context(), `insert into producto (id, nombre, cantidad) values ('99', 'Sin precio', 1)`); err != nil {
		t.Fatal(err)
	}
	all, err := b.Productos(t.Context(), "")
	if err != nil || len(all) != 19 {
		t.Fatalf("%d products: %v", len(all), err)
	}
	for _, p := range all {
		var v contracts.Validator
		v.CambioDePrecio(contracts.CambioDePrecio{Precio: p.Precio, Moneda: p.Moneda})
		if (v.Error() == nil) != (p.ID != "99") || p.ID == "99" && (p.Precio != 0 || p.Moneda != "") {
			t.Errorf("%+v", p)
		}
	}
}

// A change holds for every reader of the product, also for a restock, and the history keeps what was before.
func TestCambiarPrecio(t *testing.T) {
	b, ctx := newBodega(t), t.Context()
	p, err := b.CambiarPrecio(ctx, "15", contracts.CambioDePrecio{Precio: contracts.MaxPrecio, Moneda: "USD", Motivo: "Sube"}, "clave")
	if err != nil || p.ID != "15" || p.Nombre == "" || p.Precio != contracts.MaxPrecio || p.Moneda != "USD" {
		t.Fatalf("%+v, %v", p, err)
	}
	readBack, err := b.Producto(ctx, "15")
	restocked, restockErr := b.Reponer(ctx, "15", 1, "reposición")
	if err != nil || restockErr != nil || readBack != p || restocked.Precio != p.Precio || restocked.Moneda != p.Moneda {
		t.Errorf("read %+v, %v; restocked %+v, %v; want %+v", readBack, err, restocked, restockErr, p)
	}
	if _, err := b.CambiarPrecio(ctx, "15", price(7), "otra"); err != nil {
		t.Fatal(err)
	}
	again, err := b.CambiarPrecio(ctx, "15", contracts.CambioDePrecio{Precio: contracts.MaxPrecio, Moneda: "USD", Motivo: "Sube"}, "clave")
	if err != nil || again.Precio != p.Precio {
		t.Errorf("the same key: %+v, %v", again, err)
	}
	if _, err := b.CambiarPrecio(ctx, "15", contracts.CambioDePrecio{Precio: 7, Moneda: "COP", Motivo: "Otra razón"}, "la misma otra vez"); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		id   string
		p    contracts.CambioDePrecio
		key  string
		code errs.Code
	}{
		"the key with another price":   {"15", price(8), "clave", errs.OtherBody},
		"the key with another product": {"1", contracts.CambioDePrecio{Precio: contracts.MaxPrecio, Moneda: "USD", Motivo: "Sube"}, "clave", errs.OtherBody},
		"an unknown product":           {"19", price(1), "nueva", errs.NotFound},
	} {
		if _, err := b.CambiarPrecio(ctx, c.id, c.p, c.key); errs.Of(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, next, err := b.Precios(ctx, "15", 0, 10)
	if err != nil || next != 0 || len(list) != 3 || list[0].Precio != 7 || list[1].Moneda != "USD" || list[1].Motivo != "Sube" || list[2].Motivo != "Precio del catálogo" {
		t.Errorf("%+v, %d, %v", list, next, err)
	}
	if _, _, err := b.Precios(ctx, "19", 0, 10); errs.Of(err) != errs.NotFound {
		t.Errorf("the history of an unknown product: %v", err)
	}
	b.balances(t)
}

// The pages of the history have each price once, newest first, also where the clock of the server went back between two changes.
func TestHistoryOfPricesInPages(t *testing.T) {
	b := newBodega(t)
	if _, err := b.pool.Exec(t.Context(), `update precio set desde = now() + interval '1 hour' where id_producto = '1'`); err != nil {
		t.Fatal(err)
	}
	for n := range 6 {
		if p, err := b.CambiarPrecio(t.Context(), "1", price(int64(n+1)), "clave "+string(rune('a'+n))); err != nil || p.Precio != int64(n+1) {
			t.Fatalf("%+v, %v", p, err)
		}
	}
	if p, err := b.Producto(t.Context(), "1"); err != nil || p.Precio != 6 {
		t.Errorf("the newest price is not the present one: %+v, %v", p, err)
	}
	var seen []int64
	after, latest := int64(0), time.Now().Add(2*time.Hour)
	for {
		page, next, err := b.Precios(t.Context(), "1", after, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page {
			if !p.Desde.Before(latest) {
				t.Errorf("%+v is not older than the one before", p)
			}
			seen, latest = append(seen, p.Precio), p.Desde
		}
		if after = next; next == 0 {
			break
		}
	}
	if len(seen) != 7 || seen[0] != 6 || seen[5] != 1 {
		t.Errorf("%v", seen)
	}
	if other, _, err := b.Precios(t.Context(), "2", after+1, 3); err != nil || len(other) != 0 {
		t.Errorf("a cursor of another product: %v, %v", other, err)
	}
}

// Of changes at once each is in the history once, and the newest is the present price.
func TestChangesOfAPriceAtOnce(t *testing.T) {
	b := newBodega(t)
	databasetest.Concurrently(40, 20, func(i int) {
		n := int64(i%10 + 1)
		if _, err := b.CambiarPrecio(context.Background(), "1", price(n), "clave "+string(rune('a'+n))); err != nil {
			t.Error(err)
		}
	})
	list, _, err := b.Precios(t.Context(), "1", 0, 100)
	p, readErr := b.Producto(t.Context(), "1")
	if err != nil || readErr != nil || len(list) != 11 || list[0].Precio != p.Precio {
		t.Errorf("%d prices, %v; the present one is %d, %v", len(list), err, p.Precio, readErr)
	}
}

// A change has its author in the history, and is an act. What changes nothing is none.
func TestWhoChangedAPrice(t *testing.T) {
	b, ctx := newBodega(t), actor.With(t.Context(), contracts.Actor{Sujeto: "oti", Rol: contracts.RolOperador})
	for _, key := range []string{"a", "a", "the same price"} {
		if _, err := b.CambiarPrecio(ctx, "1", price(3_350_000), key); err != nil {
			t.Fatal(err)
		}
	}
	list, _, err := b.Precios(t.Context(), "1", 0, 10)
	if err != nil || len(list) != 2 || list[0].Sujeto != "oti" || list[0].Rol != contracts.RolOperador || list[1].Sujeto != "" {
		t.Errorf("%+v, %v", list, err)
	}
	acts, err := b.Actos(t.Context(), contracts.ActosFilter{}, contracts.Cursor{}, 10)
	if err != nil || len(acts) != 1 || acts[0].Tipo != contracts.ActoPrecio || acts[0].Sujeto != "oti" || acts[0].Objeto != "1" || acts[0].Motivo != "Prueba" ||
		acts[0].Detalle != "El precio pasó de 32000,00 COP a 33500,00 COP." {
		t.Errorf("%+v, %v", acts, err)
	}
}

func TestValidatePrecio(t *testing.T) {
	for name, c := range map[string]struct {
		p    contracts.CambioDePrecio
		good bool
	}{
		"least":        {price(1), true},
		"most":         {price(contracts.MaxPrecio), true},
		"nothing":      {price(0), false},
		"too much":     {price(contracts.MaxPrecio + 1), false},
		"no currency":  {contracts.CambioDePrecio{Precio: 1}, false},
		"a reason":     {contracts.CambioDePrecio{Precio: 1, Moneda: "JPY", Motivo: "x\x00"}, false},
		"no such code": {contracts.CambioDePrecio{Precio: 1, Moneda: "XXX"}, false},
	} {
		if err := productos.ValidatePrecio("1", c.p); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
