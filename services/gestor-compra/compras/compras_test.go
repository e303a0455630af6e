package compras_test

import (
	"testing"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
)

// Whatever may stand in a purchase's history says something to its customer.
func TestTodoLoQueSeCuentaDiceAlgo(t *testing.T) {
	for _, tipo := range []contracts.Tipo{
		contracts.CrearCompra, contracts.CancelarCompra, contracts.ValidarInventario,
		contracts.InventarioValidado, contracts.InventarioInsuficiente, contracts.ValidacionCancelada,
		contracts.ProductosReservados, contracts.ReservaRechazada, contracts.ReservaLiberada, contracts.ReservaDespachada,
		contracts.OrdenCreada, contracts.OrdenRechazada, contracts.OrdenCancelada, contracts.OrdenDespachada,
	} {
		if compras.Detalle(tipo) == "" {
			t.Errorf("%s no dice nada", tipo)
		}
	}
}
