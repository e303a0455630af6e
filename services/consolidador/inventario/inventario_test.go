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
		if r := inventario.Validate(c.lineas, existencias); r.Tipo != c.kind || !slices.Equal(r.Faltantes, c.faltantes) {
			t.Errorf("%s: %+v", name, r)
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
		"a rollback":          {contracts.CancelarValidacionInventario, contracts.DatosComandoInventario{IDCompra: id}, true},
		"not a purchase's id": {contracts.CancelarValidacionInventario, contracts.DatosComandoInventario{IDCompra: "x"}, false},
	} {
		if err := inventario.ValidateCommand(c.kind, c.data); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
