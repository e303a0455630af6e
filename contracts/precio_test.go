package contracts_test

import (
	"maps"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"entregas/contracts"
)

var (
	drawPrice = rapid.OneOf(rapid.Int64Range(1, 9), rapid.Int64Range(contracts.MaxPrecio-9, contracts.MaxPrecio), rapid.Int64Range(1, contracts.MaxPrecio))
	drawUnits = rapid.OneOf(rapid.IntRange(1, 9), rapid.IntRange(contracts.MaxCantidad-9, contracts.MaxCantidad), rapid.IntRange(1, contracts.MaxCantidad))
	drawAny   = rapid.OneOf(rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64, contracts.MaxTotal, contracts.MaxPrecio}), rapid.Int64())
)

// At all limits the total of a purchase is the exact sum, or is refused: no sum wraps around. What is computed is accepted by every reader,
// and comes through the event about the purchase unchanged.
func TestTotalsAreExactOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := lineas(rapid.IntRange(1, contracts.MaxLineas).Draw(t, "lines"))
		prices, exact := map[string]contracts.Precio{}, new(big.Int)
		for i := range lines {
			lines[i].Cantidad = drawUnits.Draw(t, "units")
			p := drawPrice.Draw(t, "price")
			prices[lines[i].IDProducto] = contracts.Precio{Precio: p, Moneda: "COP"}
			exact.Add(exact, new(big.Int).Mul(big.NewInt(p), big.NewInt(int64(lines[i].Cantidad))))
		}
		i, ok := contracts.NewImportes(lines, prices)
		if fits := exact.Cmp(big.NewInt(contracts.MaxTotal)) <= 0; ok != fits || !ok && !i.None() || ok && i.Total != exact.Int64() {
			t.Fatalf("%v at %v is %s: %+v, %v", lines, prices, exact, i, ok)
		}
		var v contracts.Validator
		if v.Importes(i, lines); v.Error() != nil {
			t.Fatal(v.Error())
		}
		c := contracts.Compra{SolicitudCompra: good(), Importes: i}
		if back := c.Event().Compra().Importes; !reflect.DeepEqual(back, i) {
			t.Fatalf("was %+v, came %+v", i, back)
		}
	})
}

// The largest purchase that the limits of lines, units and prices allow is refused, and not wrapped around.
func TestTheLargestPurchaseIsRefused(t *testing.T) {
	lines, prices := lineas(contracts.MaxLineas), map[string]contracts.Precio{}
	for i := range lines {
		lines[i].Cantidad = contracts.MaxCantidad
		prices[lines[i].IDProducto] = contracts.Precio{Precio: contracts.MaxPrecio, Moneda: "COP"}
	}
	if i, ok := contracts.NewImportes(lines, prices); ok {
		t.Errorf("it costs %+v", i)
	}
}

// Amounts that a stranger makes up are refused unless they are the exact sum of valid prices.
func TestMadeUpAmountsAreRefused(t *testing.T) {
	lines := []contracts.Linea{{IDProducto: "1", Cantidad: contracts.MaxCantidad}, {IDProducto: "2", Cantidad: 3}}
	rapid.Check(t, func(t *rapid.T) {
		a, b, sum := drawAny.Draw(t, "price of 1"), drawAny.Draw(t, "price of 2"), drawAny.Draw(t, "total")
		i := contracts.Importes{Moneda: "COP", Total: sum, Precios: []contracts.PrecioFijado{{IDProducto: "1", Precio: a}, {IDProducto: "2", Precio: b}}}
		exact := new(big.Int).Mul(big.NewInt(a), big.NewInt(contracts.MaxCantidad))
		exact.Add(exact, new(big.Int).Mul(big.NewInt(b), big.NewInt(3)))
		right := a >= 1 && a <= contracts.MaxPrecio && b >= 1 && b <= contracts.MaxPrecio && exact.IsInt64() && exact.Int64() == sum && sum <= contracts.MaxTotal
		var v contracts.Validator
		if v.Importes(i, lines); (v.Error() == nil) != right {
			t.Fatalf("%+v: %v", i, v.Error())
		}
	})
	for name, c := range map[string]struct {
		change func(*contracts.Importes)
		field  string
	}{
		"right":                 {func(*contracts.Importes) {}, ""},
		"none at all":           {func(i *contracts.Importes) { *i = contracts.Importes{Precios: []contracts.PrecioFijado{}} }, ""},
		"no currency":           {func(i *contracts.Importes) { i.Moneda = "" }, "moneda"},
		"an unknown currency":   {func(i *contracts.Importes) { i.Moneda = "cop" }, "moneda"},
		"no prices":             {func(i *contracts.Importes) { i.Precios = nil }, "precios"},
		"a price too few":       {func(i *contracts.Importes) { i.Precios = i.Precios[:1] }, "precios"},
		"a price of another":    {func(i *contracts.Importes) { i.Precios[1].IDProducto = "9" }, "precios[1].id_producto"},
		"in another order":      {func(i *contracts.Importes) { i.Precios[0], i.Precios[1] = i.Precios[1], i.Precios[0] }, "precios[0].id_producto"},
		"a free product":        {func(i *contracts.Importes) { i.Precios[1].Precio, i.Total = 0, 5_000_000 }, "precios[1].precio"},
		"a total too small":     {func(i *contracts.Importes) { i.Total-- }, "total"},
		"only a total":          {func(i *contracts.Importes) { *i = contracts.Importes{Total: 5} }, "moneda"},
		"only a currency":       {func(i *contracts.Importes) { *i = contracts.Importes{Moneda: "COP"} }, "precios"},
		"lines without a total": {func(i *contracts.Importes) { i.Total = 0 }, "total"},
	} {
		i := contracts.Importes{Moneda: "COP", Total: 5_000_021, Precios: []contracts.PrecioFijado{{IDProducto: "1", Precio: 5}, {IDProducto: "2", Precio: 7}}}
		c.change(&i)
		var v contracts.Validator
		v.Importes(i, lines)
		if err := v.Error(); (err == nil) != (c.field == "") || err != nil && !strings.HasPrefix(err.Error(), c.field+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFormatImporte(t *testing.T) {
	for want, c := range map[string]contracts.Importes{
		"32000,00 COP": {Total: 3_200_000, Moneda: "COP"}, "0,05 USD": {Total: 5, Moneda: "USD"}, "250 JPY": {Total: 250, Moneda: "JPY"}, "1,234 KWD": {Total: 1234, Moneda: "KWD"},
		"90071992547409,91 EUR": {Total: contracts.MaxTotal, Moneda: "EUR"},
	} {
		if got := contracts.FormatImporte(c.Total, c.Moneda); got != want {
			t.Errorf("%d %s is %q, want %q", c.Total, c.Moneda, got, want)
		}
	}
}

// The public description has the currencies of the table, and no other.
func TestMonedasArePublic(t *testing.T) {
	var document struct {
		Components struct {
			Schemas struct {
				Moneda struct{ Enum []string } `yaml:"Moneda"`
			}
		}
	}
	if err := yaml.Unmarshal(contracts.OpenAPI, &document); err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(contracts.Monedas))
	if got := document.Components.Schemas.Moneda.Enum; !slices.Equal(got, want) {
		t.Errorf("openapi.yaml has the currencies %v, and contracts has %v", got, want)
	}
	if _, usual := contracts.Monedas[contracts.MonedaUsual]; !usual {
		t.Errorf("%s is not in the table", contracts.MonedaUsual)
	}
}
