// Package productos has the rules for the stock of the warehouse. It does no I/O: package postgres carries the
// decisions out.
//
// A unit is always in one of three places: on the shelf (Producto.Cantidad), reserved for a purchase, or dispatched. The ledger
// (table movimiento) records each move, and view balance shows that no unit is lost or made up
// (docs/adr/stock-is-conserved.md).
package productos

import (
	"fmt"

	"entregas/contracts"
)

// MaxExistencias is the limit for the units of one product in the warehouse.
const MaxExistencias = 1_000_000_000

// MaxListed is the limit for the products in one list. The list must fit into an answer of the bff (MAX_ANSWER).
const MaxListed = 1000

// Producto is a product with its price, and the units of it that are on the shelf: neither reserved nor dispatched.
type Producto = contracts.Producto

// Reply is the reply of the warehouse to a command. Every reply is final.
type Reply struct {
	Tipo      contracts.MessageType
	Faltantes []contracts.Faltante
	Motivo    string // in Spanish, for a person; empty when there is nothing to say
}

// Validate checks the data of a command and returns nil or a *contracts.ValidationError. Only ReservarProducto needs lines:
// the other commands act on the units that are reserved.
func Validate(kind contracts.MessageType, d contracts.DatosComandoProducto) error {
	var v contracts.Validator
	v.IDCompra("id_compra", d.IDCompra)
	if kind == contracts.ReservarProducto {
		v.Lineas("productos", d.Productos)
	} else {
		v.LineasIfAny("productos", d.Productos)
	}
	return v.Error()
}

// ValidateReposicion checks a restock of cantidad units and returns nil or a *contracts.ValidationError.
func ValidateReposicion(id string, cantidad int) error {
	var v contracts.Validator
	v.Identifier("id", id)
	v.Cantidad("cantidad", cantidad)
	return v.Error()
}

// ValidatePrecio checks a change of the price of the product id and returns nil or a *contracts.ValidationError.
func ValidatePrecio(id string, p contracts.CambioDePrecio) error {
	var v contracts.Validator
	v.Identifier("id", id)
	v.CambioDePrecio(p)
	return v.Error()
}

// Fits tells whether cantidad more units of p fit in the warehouse.
func Fits(p Producto, cantidad int) bool { return p.Cantidad+cantidad <= MaxExistencias }

// Reservar decides whether a purchase gets its units: those of all lines or none. existencias has the units on the shelf of
// each product that exists. finished tells that the rollback came before the command (docs/adr/rollback-may-come-first.md):
// then nothing is reserved.
func Reservar(lineas []contracts.Linea, existencias map[string]int, finished bool) Reply {
	if finished {
		return Reply{Tipo: contracts.ReservaRechazada, Motivo: "La reserva ya se había anulado."}
	}
	if missing := contracts.Faltantes(lineas, existencias); len(missing) > 0 {
		return Reply{Tipo: contracts.ReservaRechazada, Faltantes: missing, Motivo: motivoOf(missing)}
	}
	return Reply{Tipo: contracts.ProductosReservados}
}

// Liberar decides the reply to the rollback of a reservation. Dispatched units do not come back, and the reply says so
// (docs/adr/who-owns-a-fact-decides.md). A purchase without a reservation is released too: its ReservarProducto may still
// arrive and must then reserve nothing.
func Liberar(despachada bool) Reply {
	if despachada {
		return Reply{Tipo: contracts.ReservaDespachada, Motivo: "Los productos ya se habían despachado."}
	}
	return Reply{Tipo: contracts.ReservaLiberada}
}

// Despachar decides whether the reservation of a purchase leaves the warehouse; reserved is the number of its products. A
// purchase without a reservation is refused. The refusal is final, so that the saga gets an answer.
func Despachar(reserved int) Reply {
	if reserved == 0 {
		return Reply{Tipo: contracts.ReservaRechazada, Motivo: "La compra no tiene productos reservados que despachar."}
	}
	return Reply{Tipo: contracts.ReservaDespachada}
}

// motivoOf returns the reason of a refusal for want of stock, in Spanish for a person.
func motivoOf(missing []contracts.Faltante) string {
	f := missing[0]
	motivo := fmt.Sprintf("No hay existencias suficientes: del producto %s se pidieron %d y hay %d", f.IDProducto, f.Solicitada, f.Disponible)
	switch others := len(missing) - 1; others {
	case 0:
		return motivo + "."
	case 1:
		return motivo + ", y falta otro producto."
	default:
		return fmt.Sprintf("%s, y faltan otros %d productos.", motivo, others)
	}
}
