package compras

import (
	"context"
	"slices"

	"entregas/contracts"
)

// Register writes what the owner told of a purchase into the read model. Told twice, or late, it changes nothing.
func (s *Service) Register(ctx context.Context, c contracts.Compra) error {
	return s.state.update(ctx, c)
}

// Known is the purchase as the read model has it, nil when it has not.
func (s *Service) Known(ctx context.Context, id string) (*contracts.Compra, error) {
	v, err := s.state.load(ctx, id)
	if v == nil {
		return nil, err
	}
	return &v.Compra, err
}

// Cambio is one change of a purchase, with the purchase as it was left.
type Change struct {
	Numero int
	Compra contracts.Compra
}

// ChangesSince gives what changed after the number last, oldest first; -1 is from the beginning. A purchase of which
// its owner has told nothing yet is one change with number 0.
func ChangesSince(c contracts.Compra, last int) []Change {
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
		if i < len(c.Historia)-1 { // what is told only at the end was not known then
			snapshot.Estado, snapshot.ActualizadaEn, snapshot.Historia = estado, fact.En, c.Historia[:i+1]
			snapshot.Motivo, snapshot.Faltantes, snapshot.IDOrden = "", nil, ""
		}
		changes = append(changes, Change{Numero: fact.Numero, Compra: snapshot})
	}
	return changes
}

// IsFinal tells that nothing can happen to the purchase any more.
func IsFinal(e contracts.Estado) bool {
	switch e {
	case contracts.EstadoDespachada, contracts.EstadoRechazada, contracts.EstadoCancelada:
		return true
	default: // CONFIRMADA may be dispatched or cancelled; an operator may take up a FALLIDA
		return false
	}
}
