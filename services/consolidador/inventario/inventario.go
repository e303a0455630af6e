// Package inventario decides whether the present stock is enough for a purchase. It stores and reserves nothing, so its reply
// may be outdated when the saga reads it. The reservation in admin-productos decides.
package inventario

import "entregas/contracts"

// Reply is the reply of consolidador to a command.
type Reply struct {
	Tipo      contracts.MessageType
	Faltantes []contracts.Faltante
}

// ValidateCommand checks the data of a command and returns nil or a *contracts.ValidationError.
func ValidateCommand(kind contracts.MessageType, d contracts.DatosComandoInventario) error {
	var v contracts.Validator
	v.IDCompra("id_compra", d.IDCompra)
	if kind == contracts.ValidarInventario {
		v.Lineas("productos", d.Productos)
	} else {
		v.LineasIfAny("productos", d.Productos)
	}
	return v.Error()
}

// Validate decides the reply to ValidarInventario. existencias has the units on the shelf of each product that exists.
func Validate(lineas []contracts.Linea, existencias map[string]int) Reply {
	if missing := contracts.Faltantes(lineas, existencias); len(missing) > 0 {
		return Reply{Tipo: contracts.InventarioInsuficiente, Faltantes: missing}
	}
	return Reply{Tipo: contracts.InventarioValidado}
}

// CancelValidation is the reply to CancelarValidacionInventario. A validation changed nothing, so there is nothing to undo.
func CancelValidation() Reply { return Reply{Tipo: contracts.ValidacionCancelada} }
