package compras

import (
	"context"
	"slices"

	"entregas/contracts"
)

// Registrar writes what the owner told of a purchase into the read model. Told twice, or late, it changes nothing.
func (s *Servicio) Registrar(ctx context.Context, c contracts.Compra) error {
	return s.estado.actualizar(ctx, c)
}

// Conocida is the purchase as the read model has it, nil when it has not.
func (s *Servicio) Conocida(ctx context.Context, id string) (*contracts.Compra, error) {
	v, err := s.estado.leer(ctx, id)
	if v == nil {
		return nil, err
	}
	return &v.Compra, err
}

// Cambio is one change of a purchase, with the purchase as it was left.
type Cambio struct {
	Numero int
	Compra contracts.Compra
}

// CambiosDesde gives what changed after the number ultimo, oldest first; -1 is from the beginning. A purchase of which
// its owner has told nothing yet is one change with number 0.
func CambiosDesde(c contracts.Compra, ultimo int) []Cambio {
	if len(c.Historia) == 0 && ultimo < 0 {
		return []Cambio{{Numero: 0, Compra: c}}
	}
	var cambios []Cambio
	estado := contracts.EstadoRecibida
	for i, hecho := range c.Historia {
		if slices.Contains(contracts.Estados, contracts.Estado(hecho.Paso)) {
			estado = contracts.Estado(hecho.Paso)
		}
		if hecho.Numero <= ultimo {
			continue
		}
		asi := c
		if i < len(c.Historia)-1 { // what is told only at the end was not known then
			asi.Estado, asi.ActualizadaEn, asi.Historia = estado, hecho.En, c.Historia[:i+1]
			asi.Motivo, asi.Faltantes, asi.IDOrden = "", nil, ""
		}
		cambios = append(cambios, Cambio{Numero: hecho.Numero, Compra: asi})
	}
	return cambios
}

// EsFinal tells that nothing can happen to the purchase any more.
func EsFinal(e contracts.Estado) bool {
	switch e {
	case contracts.EstadoDespachada, contracts.EstadoRechazada, contracts.EstadoCancelada:
		return true
	default: // CONFIRMADA may be dispatched or cancelled; an operator may take up a FALLIDA
		return false
	}
}
