// Package inventario says whether a purchase can be served from the present stock. It keeps nothing and reserves
// nothing: what it says may be outdated by the time it is read, and admin-productos has the last word.
package inventario

import "entregas/contracts"

// Reply is consolidador's answer to a command.
type Reply struct {
	Tipo      contracts.MessageType
	Faltantes []contracts.Faltante
}

// ValidateCommand says what is wrong with a command's data: nil or an *contracts.ValidationError.
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

// Validate answers ValidarInventario: existencias has the units of each product that exists.
func Validate(lineas []contracts.Linea, existencias map[string]int) Reply {
	if missing := contracts.Faltantes(lineas, existencias); len(missing) > 0 {
		return Reply{Tipo: contracts.InventarioInsuficiente, Faltantes: missing}
	}
	return Reply{Tipo: contracts.InventarioValidado}
}

// CancelValidation answers CancelarValidacionInventario: a validation leaves nothing behind to be undone.
func CancelValidation() Reply { return Reply{Tipo: contracts.ValidacionCancelada} }
