package compras

import (
	"context"
	"log/slog"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/services/internal/registro"
)

// Decisiones is what its owner lets people decide about a purchase. Errors as in Gestor.
type Decisiones interface {
	// Cancelar asks for the cancellation: hecha says that there is nothing more to do.
	Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, hecha bool, err error)
	// Aprobar decides about a purchase that awaits it.
	Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error)
}

// Cancelar asks the owner for a purchase's cancellation; when it does not answer, or does not have the purchase yet, the
// command goes to the broker, where it waits. What is known here to be past cancelling is a Conflicto at once.
func (s *Servicio) Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, hecha bool, err error) {
	id = contracts.CanonicalID(id)
	if err := validarDecision(id, motivo); err != nil {
		return a, false, err
	}
	ctx = registro.ConCompra(ctx, id)
	a, hecha, err = s.decisiones.Cancelar(ctx, id, motivo)
	codigo := errores.De(err)
	if err == nil || codigo != errores.NoDisponible && codigo != errores.NoEncontrado {
		return a, hecha, err
	}
	conocida, deEstado := s.Conocida(ctx, id)
	if deEstado != nil {
		return a, false, deEstado
	}
	if conocida == nil || codigo == errores.NoEncontrado && conocida.Numero() > 0 {
		return a, false, err
	}
	switch conocida.Estado {
	case contracts.EstadoCompensando, contracts.EstadoCancelada:
		return contracts.Aceptada{ID: id, Estado: conocida.Estado}, true, nil
	case contracts.EstadoRechazada, contracts.EstadoDespachada, contracts.EstadoFallida:
		return a, false, errores.Nuevo(errores.Conflicto, "La compra está %s: ya no se puede cancelar.", conocida.Estado)
	}
	slog.WarnContext(ctx, "la cancelación va por el tópico", "error", err)
	if err := s.comandos.CancelarCompra(ctx, *conocida, motivo); err != nil {
		return a, false, &errores.Error{
			Codigo: errores.NoDisponible, Mensaje: "No se pueden tomar cancelaciones en este momento. Intente de nuevo en unos segundos.", Causa: err,
		}
	}
	return contracts.Aceptada{ID: id, Estado: conocida.Estado}, false, nil
}

// Aprobar approves or rejects a purchase that awaits it. Only its owner can say whether it does: while the owner is
// away this is NoDisponible.
func (s *Servicio) Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error) {
	id = contracts.CanonicalID(id)
	if err := validarDecision(id, motivo); err != nil {
		return contracts.Aceptada{}, err
	}
	return s.decisiones.Aprobar(registro.ConCompra(ctx, id), id, aprobada, motivo)
}

func validarDecision(id, motivo string) error {
	var v contracts.Validador
	v.IDCompra("id", id)
	v.Motivo("motivo", motivo)
	return v.Error()
}
