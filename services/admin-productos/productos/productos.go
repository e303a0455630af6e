// Package productos is the warehouse: what products there are, what is reserved for whom, and what may be done with it.
// It decides and does no I/O; package postgres does what is decided here, in one transaction each.
//
// A unit is always in one of three places: on the shelf (Producto.Cantidad), reserved for a purchase, or dispatched. The ledger
// (table movement) tells how it got there, and view balance that none is lost or made up (docs/adr/stock-is-conserved.md).
package productos

import (
	"fmt"

	"entregas/contracts"
)

// MaxExistencias is how many units of one product the warehouse holds at most.
const MaxExistencias = 1_000_000_000

// MaxListed is how many products one search finds at most: their list must fit into an answer of the bff (MAX_ANSWER).
const MaxListed = 1000

// Producto is a product and the units of it that are on the shelf: neither reserved nor dispatched.
type Producto = contracts.Producto

// Reply is what the warehouse answers to a command. Every one of them is final.
type Reply struct {
	Tipo      contracts.MessageType
	Faltantes []contracts.Faltante
	Motivo    string // in Spanish, for a person; empty when there is nothing to say
}

// Validate says what is wrong with a command's data: nil or an *contracts.ValidationError.
// Only ReservarProducto needs lines; the others act on what was reserved.
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

// ValidateReposicion says what is wrong with a restock of cantidad units: nil or an *contracts.ValidationError.
func ValidateReposicion(id string, cantidad int) error {
	var v contracts.Validator
	v.Identifier("id", id)
	v.Cantidad("cantidad", cantidad)
	return v.Error()
}

// Fits tells whether cantidad more units of p fit in the warehouse.
func Fits(p Producto, cantidad int) bool { return p.Cantidad+cantidad <= MaxExistencias }

// Reservar decides whether a purchase gets its lines: all of them or none. existencias has the units on the shelf, and
// lacks the products that do not exist. finished tells that the reservation was ended before it began: its rollback
// overtook it (docs/adr/rollback-may-come-first.md), and what nobody wants any more is not reserved.
func Reservar(lineas []contracts.Linea, existencias map[string]int, finished bool) Reply {
	if finished {
		return Reply{Tipo: contracts.ReservaRechazada, Motivo: "La reserva ya se había anulado."}
	}
	if missing := contracts.Faltantes(lineas, existencias); len(missing) > 0 {
		return Reply{Tipo: contracts.ReservaRechazada, Faltantes: missing, Motivo: motivoOf(missing)}
	}
	return Reply{Tipo: contracts.ProductosReservados}
}

// Liberar decides what becomes of a purchase's reservation when it is rolled back. There may be none: the rollback then
// only closes the door for a ReservarProducto that is still under way. What left the warehouse does not come back by
// this: the one who asked is told (docs/adr/who-owns-a-fact-decides.md).
func Liberar(despachada bool) Reply {
	if despachada {
		return Reply{Tipo: contracts.ReservaDespachada, Motivo: "Los productos ya se habían despachado."}
	}
	return Reply{Tipo: contracts.ReservaLiberada}
}

// Despachar decides whether a purchase's reservation of so many units leaves the warehouse. Of a purchase that has
// nothing reserved nothing can leave, now or later: a refusal that is final, so that the one who asked is not left
// without an answer.
func Despachar(reserved int) Reply {
	if reserved == 0 {
		return Reply{Tipo: contracts.ReservaRechazada, Motivo: "La compra no tiene productos reservados que despachar."}
	}
	return Reply{Tipo: contracts.ReservaDespachada}
}

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
