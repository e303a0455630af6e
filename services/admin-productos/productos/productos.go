// Package productos is the warehouse: what products there are, what is reserved for whom, and what may be done with it.
// It decides and does no I/O; package postgres does what is decided here, in one transaction each.
//
// A unit is always in one of three places: on the shelf (Producto.Cantidad), reserved for a purchase, or dispatched. The ledger
// (table movimiento) tells how it got there, and view balance that none is lost or made up (docs/adr/stock-is-conserved.md).
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

// Respuesta is what the warehouse answers to a command. Every one of them is final.
type Respuesta struct {
	Tipo      contracts.Tipo
	Faltantes []contracts.Faltante
	Motivo    string // in Spanish, for a person; empty when there is nothing to say
}

// Validar says what is wrong with a command's data: nil or an *contracts.ErrorDeValidacion.
// Only ReservarProducto needs lines; the others act on what was reserved.
func Validar(tipo contracts.Tipo, d contracts.DatosComandoProducto) error {
	var v contracts.Validador
	v.IDCompra("id_compra", d.IDCompra)
	if tipo == contracts.ReservarProducto {
		v.Lineas("productos", d.Productos)
	} else {
		v.LineasSiHay("productos", d.Productos)
	}
	return v.Error()
}

// ValidarReposicion says what is wrong with a restock of cantidad units: nil or an *contracts.ErrorDeValidacion.
func ValidarReposicion(id string, cantidad int) error {
	var v contracts.Validador
	v.Identificador("id", id)
	v.Cantidad("cantidad", cantidad)
	return v.Error()
}

// Cabe tells whether cantidad more units of p fit in the warehouse.
func Cabe(p Producto, cantidad int) bool { return p.Cantidad+cantidad <= MaxExistencias }

// Reservar decides whether a purchase gets its lines: all of them or none. existencias has the units on the shelf, and
// lacks the products that do not exist. terminada tells that the reservation was ended before it began: its rollback
// overtook it (docs/adr/rollback-may-come-first.md), and what nobody wants any more is not reserved.
func Reservar(lineas []contracts.Linea, existencias map[string]int, terminada bool) Respuesta {
	if terminada {
		return Respuesta{Tipo: contracts.ReservaRechazada, Motivo: "La reserva ya se había anulado."}
	}
	if faltan := contracts.Faltantes(lineas, existencias); len(faltan) > 0 {
		return Respuesta{Tipo: contracts.ReservaRechazada, Faltantes: faltan, Motivo: motivoDe(faltan)}
	}
	return Respuesta{Tipo: contracts.ProductosReservados}
}

// Liberar decides what becomes of a purchase's reservation when it is rolled back. There may be none: the rollback then
// only closes the door for a ReservarProducto that is still under way. What left the warehouse does not come back by
// this: the one who asked is told (docs/adr/who-owns-a-fact-decides.md).
func Liberar(despachada bool) Respuesta {
	if despachada {
		return Respuesta{Tipo: contracts.ReservaDespachada, Motivo: "Los productos ya se habían despachado."}
	}
	return Respuesta{Tipo: contracts.ReservaLiberada}
}

// Despachar decides whether a purchase's reservation of so many units leaves the warehouse. Of a purchase that has
// nothing reserved nothing can leave, now or later: a refusal that is final, so that the one who asked is not left
// without an answer.
func Despachar(reservadas int) Respuesta {
	if reservadas == 0 {
		return Respuesta{Tipo: contracts.ReservaRechazada, Motivo: "La compra no tiene productos reservados que despachar."}
	}
	return Respuesta{Tipo: contracts.ReservaDespachada}
}

func motivoDe(faltan []contracts.Faltante) string {
	f := faltan[0]
	motivo := fmt.Sprintf("No hay existencias suficientes: del producto %s se pidieron %d y hay %d", f.IDProducto, f.Solicitada, f.Disponible)
	switch otros := len(faltan) - 1; otros {
	case 0:
		return motivo + "."
	case 1:
		return motivo + ", y falta otro producto."
	default:
		return fmt.Sprintf("%s, y faltan otros %d productos.", motivo, otros)
	}
}
