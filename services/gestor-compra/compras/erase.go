package compras

import (
	"entregas/contracts"
	"entregas/workflows/compra"
)

// ToErase is a purchase that has ended and that has personal data. Motivo says that its customer gave a reason, in free text.
type ToErase struct {
	ID     string
	Motivo bool
}

// DefaultMotivo returns the reason of a cancellation by who that has none.
func DefaultMotivo(who contracts.Actor) string {
	if who.Rol == contracts.RolOperador {
		return compra.CancelledByOperator
	}
	return compra.CancelledByCustomer
}

// OwnTexts are the texts that stand where a reason of a customer may stand, and that no customer wrote.
var OwnTexts = []string{
	"", contracts.TextoBorrado, DefaultMotivo(contracts.Actor{}), DefaultMotivo(contracts.Actor{Rol: contracts.RolOperador}), Detalle(contracts.CancelarCompra),
}
