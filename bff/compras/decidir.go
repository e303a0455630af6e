package compras

import (
	"context"
	"errors"
	"log/slog"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/services/internal/registro"
)

// Decisiones is what its owner lets people decide about a purchase. Errors as in Gestor.
type Decisiones interface {
	// Cancelar asks for the cancellation: hecha says that there is nothing more to do.
	Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, hecha bool, err error)
	// Aprobar decides about a purchase that awaits it. The same decision again is answered alike.
	Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error)
}

// Cancelar asks the owner for a purchase's cancellation; when it does not answer, or does not have the purchase yet, the
// command goes to the broker, where it waits. What is known here to be past cancelling is a Conflicto at once. When neither
// answers it is OutcomeUnknown where the owner may have done it, else NoDisponible.
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
	first := err
	a, hecha, err = s.cancelarPorTopico(ctx, id, motivo, first)
	if err != nil && InDoubt(first) && !definite(err) {
		return a, false, OutcomeUnknown(pathOf(id), "", errors.Join(first, err))
	}
	return a, hecha, err
}

// pathOf is where a purchase is read.
func pathOf(id string) string { return "/api/compras/" + id }

// cancelarPorTopico is Cancelar when the owner did not answer, or did not know the purchase: err says which.
func (s *Servicio) cancelarPorTopico(ctx context.Context, id, motivo string, err error) (a contracts.Aceptada, hecha bool, _ error) {
	codigo := errores.De(err)
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
	err = s.comandos.CancelarCompra(ctx, *conocida, motivo)
	if InDoubt(err) {
		return a, false, OutcomeUnknown(pathOf(id), "", err)
	}
	if err != nil {
		return a, false, &errores.Error{
			Codigo: errores.NoDisponible, Mensaje: "No se pueden tomar cancelaciones en este momento. Intente de nuevo en unos segundos.", Causa: err,
		}
	}
	s.unconfirmed.add(ctx, contracts.CancelarCompra, id, motivo, s.estado.ahora())
	return contracts.Aceptada{ID: id, Estado: conocida.Estado}, false, nil
}

// Aprobar approves or rejects a purchase that awaits it. Only its owner can say whether it does: while the owner is
// away this is NoDisponible, or OutcomeUnknown where it may have been done.
func (s *Servicio) Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error) {
	id = contracts.CanonicalID(id)
	if err := validarDecision(id, motivo); err != nil {
		return contracts.Aceptada{}, err
	}
	return Settle(registro.ConCompra(ctx, id), pathOf(id), "", func(ctx context.Context, _ bool) (contracts.Aceptada, error) {
		return s.decisiones.Aprobar(ctx, id, aprobada, motivo)
	})
}

func validarDecision(id, motivo string) error {
	var v contracts.Validador
	v.IDCompra("id", id)
	v.Motivo("motivo", motivo)
	return v.Error()
}
