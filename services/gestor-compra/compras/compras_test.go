package compras_test

import (
	"testing"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
)

func TestEsLaMisma(t *testing.T) {
	lineas := []contracts.Linea{{IDProducto: "1", Cantidad: 2}, {IDProducto: "2", Cantidad: 1}}
	c := contracts.Compra{ID: "c", IDUsuario: "ana", Productos: lineas, Estado: contracts.EstadoConfirmada, Motivo: "algo"}
	for _, caso := range []struct {
		nombre string
		s      contracts.SolicitudCompra
		igual  bool
	}{
		{"the same", contracts.SolicitudCompra{IDUsuario: "ana", Productos: lineas}, true},
		{"another customer", contracts.SolicitudCompra{IDUsuario: "eva", Productos: lineas}, false},
		{"home delivery", contracts.SolicitudCompra{IDUsuario: "ana", Productos: lineas, Domicilio: true}, false},
		{"a line less", contracts.SolicitudCompra{IDUsuario: "ana", Productos: lineas[:1]}, false},
		{"another order", contracts.SolicitudCompra{IDUsuario: "ana", Productos: []contracts.Linea{lineas[1], lineas[0]}}, false},
	} {
		if compras.EsLaMisma(c, caso.s) != caso.igual {
			t.Errorf("%s: es la misma: %v", caso.nombre, !caso.igual)
		}
	}
}

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
