package compras

import (
	"context"
	"slices"

	"entregas/contracts"
)

// Register writes a purchase, as its owner published it, into the read model. A repeated or late event changes nothing.
func (s *Service) Register(ctx context.Context, c contracts.Compra) error {
	return s.state.update(ctx, c)
}

// Known returns a purchase from the read model, or nil if the read model does not have the purchase.
func (s *Service) Known(ctx context.Context, id string) (*contracts.Compra, error) {
	v, err := s.state.load(ctx, id)
	if v == nil {
		return nil, err
	}
	return &v.Compra, err
}

// Change is one change of a purchase: its number in the history, and the purchase after it.
type Change struct {
	Numero int
	Compra contracts.Compra
}

// ChangesSince returns the changes of c after the number last, oldest first; -1 returns all. A purchase whose owner has
// published nothing yet is one change with number 0. A change has no address: the read model, from which most changes come, has none.
func ChangesSince(c contracts.Compra, last int) []Change {
	c.Direccion = nil
	if len(c.Historia) == 0 && last < 0 {
		return []Change{{Numero: 0, Compra: c}}
	}
	var changes []Change
	estado := contracts.EstadoRecibida
	for i, fact := range c.Historia {
		if slices.Contains(contracts.Estados, contracts.Estado(fact.Paso)) {
			estado = contracts.Estado(fact.Paso)
		}
		if fact.Numero <= last {
			continue
		}
		snapshot := c
		if i < len(c.Historia)-1 { // the fields below belong to the last change only
			snapshot.Estado, snapshot.ActualizadaEn, snapshot.Historia = estado, fact.En, c.Historia[:i+1]
			snapshot.Motivo, snapshot.Faltantes, snapshot.IDOrden = "", nil, ""
		}
		changes = append(changes, Change{Numero: fact.Numero, Compra: snapshot})
	}
	return changes
}

// IsFinal reports whether a purchase in state e can change no more.
func IsFinal(e contracts.Estado) bool {
	switch e {
	case contracts.EstadoDespachada, contracts.EstadoRechazada, contracts.EstadoCancelada:
		return true
	default: // CONFIRMADA may be dispatched or cancelled; an operator may retry a FALLIDA
		return false
	}
}
