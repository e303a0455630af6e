package inventario_test

import (
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/services/consolidador/inventario"
)

const id = "01938f5e-7c1a-7000-8000-000000000001"

func TestValidateInventario(t *testing.T) {
	existencias := map[string]int{"1": 5, "15": 0}
	for name, c := range map[string]struct {
		lineas    []contracts.Linea
		kind      contracts.MessageType
		faltantes []contracts.Faltante
	}{
		"enough":            {[]contracts.Linea{{IDProducto: "1", Cantidad: 5}}, contracts.InventarioValidado, nil},
		"one too many":      {[]contracts.Linea{{IDProducto: "1", Cantidad: 6}}, contracts.InventarioInsuficiente, []contracts.Faltante{{IDProducto: "1", Solicitada: 6, Disponible: 5}}},
		"unknown and empty": {[]contracts.Linea{{IDProducto: "x", Cantidad: 2}, {IDProducto: "1", Cantidad: 1}, {IDProducto: "15", Cantidad: 1}}, contracts.InventarioInsuficiente, []contracts.Faltante{{IDProducto: "x", Solicitada: 2}, {IDProducto: "15", Solicitada: 1}}},
	} {
		if r := inventario.Validate(c.lineas, inventario.Shelf{Existencias: existencias}); r.Tipo != c.kind || !slices.Equal(r.Faltantes, c.faltantes) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A purchase has the sum of its lines where each has a price in one currency. It is refused only where that sum is too large.
func TestValidateImportes(t *testing.T) {
	lines := []contracts.Linea{{IDProducto: "1", Cantidad: 1_000_000}, {IDProducto: "2", Cantidad: 3}}
	stock := map[string]int{"1": 1_000_000, "2": 3}
	price := func(amount int64, currency string) contracts.Precio {
		return contracts.Precio{Precio: amount, Moneda: currency}
	}
	for name, c := range map[string]struct {
		precios map[string]contracts.Precio
		kind    contracts.MessageType
		total   int64
	}{
		"a price each":             {map[string]contracts.Precio{"1": price(5, "COP"), "2": price(7, "COP")}, contracts.InventarioValidado, 5_000_021},
		"one without":              {map[string]contracts.Precio{"1": price(contracts.MaxPrecio, "COP")}, contracts.InventarioValidado, 0},
		"none":                     {nil, contracts.InventarioValidado, 0},
		"two currencies":           {map[string]contracts.Precio{"1": price(contracts.MaxPrecio, "COP"), "2": price(7, "USD")}, contracts.InventarioValidado, 0},
		"the largest":              {map[string]contracts.Precio{"1": price(9_007_199_254, "COP"), "2": price(246_997, "COP")}, contracts.InventarioValidado, contracts.MaxTotal},
		"larger than the largest":  {map[string]contracts.Precio{"1": price(9_007_199_254, "COP"), "2": price(246_998, "COP")}, contracts.TotalExcedido, 0},
		"one line is too much":     {map[string]contracts.Precio{"1": price(contracts.MaxPrecio, "COP"), "2": price(1, "COP")}, contracts.TotalExcedido, 0},
		"not enough, and too much": {map[string]contracts.Precio{"1": price(contracts.MaxPrecio, "COP"), "2": price(1, "COP"), "x": price(1, "COP")}, contracts.InventarioInsuficiente, 0},
	} {
		wanted := lines
		if c.kind == contracts.InventarioInsuficiente {
			wanted = append(slices.Clone(lines), contracts.Linea{IDProducto: "x", Cantidad: 1})
		}
		r := inventario.Validate(wanted, inventario.Shelf{Existencias: stock, Precios: c.precios})
		var v contracts.Validator
		v.Importes(r.Importes, wanted)
		if r.Tipo != c.kind || r.Importes.Total != c.total || v.Error() != nil || r.Importes.None() != (c.total == 0) {
			t.Errorf("%s: %+v: %v", name, r, v.Error())
		}
	}
}

func TestValidateCommand(t *testing.T) {
	for name, c := range map[string]struct {
		kind contracts.MessageType
		data contracts.DatosComandoInventario
		good bool
	}{
		"lines":               {contracts.ValidarInventario, contracts.DatosComandoInventario{IDCompra: id, Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}}}, true},
		"no lines":            {contracts.ValidarInventario, contracts.DatosComandoInventario{IDCompra: id}, false},
		"nothing of a line":   {contracts.ValidarInventario, contracts.DatosComandoInventario{IDCompra: id, Productos: []contracts.Linea{{IDProducto: "1"}}}, false},
		"before all time":     {contracts.ValidarInventario, contracts.DatosComandoInventario{IDCompra: id, Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}}, AceptadaEn: -1}, false},
		"after all time":      {contracts.ValidarInventario, contracts.DatosComandoInventario{IDCompra: id, Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}}, AceptadaEn: 1 << 62}, false},
		"a rollback":          {contracts.CancelarValidacionInventario, contracts.DatosComandoInventario{IDCompra: id}, true},
		"not a purchase's id": {contracts.CancelarValidacionInventario, contracts.DatosComandoInventario{IDCompra: "x"}, false},
	} {
		if err := inventario.ValidateCommand(c.kind, c.data); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
