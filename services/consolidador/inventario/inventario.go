// Package inventario says whether a purchase can be served from the present stock. It keeps nothing and reserves
// nothing: what it says may be outdated by the time it is read, and admin-productos has the last word.
package inventario

import "entregas/contracts"

// Respuesta is consolidador's answer to a command.
type Respuesta struct {
	Tipo      contracts.Tipo
	Faltantes []contracts.Faltante
}

// ValidarComando says what is wrong with a command's data: nil or an *contracts.ErrorDeValidacion.
func ValidarComando(tipo contracts.Tipo, d contracts.DatosComandoInventario) error {
	var v contracts.Validador
	v.IDCompra("id_compra", d.IDCompra)
	if tipo == contracts.ValidarInventario {
		v.Lineas("productos", d.Productos)
	} else {
		v.LineasSiHay("productos", d.Productos)
	}
	return v.Error()
}

// Validar answers ValidarInventario: existencias has the units of each product that exists.
func Validar(lineas []contracts.Linea, existencias map[string]int) Respuesta {
	if faltan := contracts.Faltantes(lineas, existencias); len(faltan) > 0 {
		return Respuesta{Tipo: contracts.InventarioInsuficiente, Faltantes: faltan}
	}
	return Respuesta{Tipo: contracts.InventarioValidado}
}

// CancelarValidacion answers CancelarValidacionInventario: a validation leaves nothing behind to be undone.
func CancelarValidacion() Respuesta { return Respuesta{Tipo: contracts.ValidacionCancelada} }
