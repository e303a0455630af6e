// Package inventario decides whether the present stock is enough for a purchase, and what the purchase costs. It stores and reserves nothing, so its reply
// may be outdated when the saga reads it. The reservation in admin-productos decides.
package inventario

import "entregas/contracts"

// Reply is the reply of consolidador to a command.
type Reply struct {
	Tipo      contracts.MessageType
	Faltantes []contracts.Faltante
	Importes  contracts.Importes
}

// Shelf has what the warehouse has of the products of a purchase.
type Shelf struct {
	Existencias map[string]int              // the units on the shelf of each product that exists
	Precios     map[string]contracts.Precio // the price of each product that has one, at the instant of the acceptance
}

// ValidateCommand checks the data of a command and returns nil or a *contracts.ValidationError.
func ValidateCommand(kind contracts.MessageType, d contracts.DatosComandoInventario) error {
	var v contracts.Validator
	v.IDCompra("id_compra", d.IDCompra)
	if kind == contracts.ValidarInventario {
		v.Lineas("productos", d.Productos)
		v.Millis("aceptada_en", d.AceptadaEn)
	} else {
		v.LineasIfAny("productos", d.Productos)
	}
	return v.Error()
}

// Validate decides the reply to ValidarInventario.
func Validate(lineas []contracts.Linea, s Shelf) Reply {
	if missing := contracts.Faltantes(lineas, s.Existencias); len(missing) > 0 {
		return Reply{Tipo: contracts.InventarioInsuficiente, Faltantes: missing}
	}
	importes, fits := contracts.NewImportes(lineas, s.Precios)
	if !fits {
		return Reply{Tipo: contracts.TotalExcedido}
	}
	return Reply{Tipo: contracts.InventarioValidado, Importes: importes}
}

// CancelValidation is the reply to CancelarValidacionInventario. A validation changed nothing, so there is nothing to undo.
func CancelValidation() Reply { return Reply{Tipo: contracts.ValidacionCancelada} }
