package compras

import (
	"context"
	"errors"
	"log/slog"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/logging"
)

// Decisions is what its owner lets people decide about a purchase. Errors as in Manager.
type Decisions interface {
	// Cancelar asks for the cancellation: done says that there is nothing more to do.
	Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, done bool, err error)
	// Aprobar decides about a purchase that awaits it. The same decision again is answered alike.
	Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error)
}

// Cancelar asks the owner for a purchase's cancellation; when it does not answer, or does not have the purchase yet, the
// command goes to the broker, where it waits. What is known here to be past cancelling is a Conflict at once. When neither
// answers it is OutcomeUnknown where the owner may have done it, else Unavailable.
func (s *Service) Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, done bool, err error) {
	id = contracts.CanonicalID(id)
	if err := validateDecision(id, motivo); err != nil {
		return a, false, err
	}
	ctx = logging.WithCompra(ctx, id)
	a, done, err = s.decisions.Cancelar(ctx, id, motivo)
	code := errs.Of(err)
	if err == nil || code != errs.Unavailable && code != errs.NotFound {
		return a, done, err
	}
	first := err
	a, done, err = s.cancelarByTopic(ctx, id, motivo, first)
	if err != nil && InDoubt(first) && !definite(err) {
		return a, false, OutcomeUnknown(pathOf(id), "", errors.Join(first, err))
	}
	return a, done, err
}

// pathOf is where a purchase is read.
func pathOf(id string) string { return "/api/compras/" + id }

// cancelarByTopic is Cancelar when the owner did not answer, or did not know the purchase: err says which.
func (s *Service) cancelarByTopic(ctx context.Context, id, motivo string, err error) (a contracts.Aceptada, done bool, _ error) {
	code := errs.Of(err)
	known, stateErr := s.Known(ctx, id)
	if stateErr != nil {
		return a, false, stateErr
	}
	if known == nil || code == errs.NotFound && known.Numero() > 0 {
		return a, false, err
	}
	switch known.Estado {
	case contracts.EstadoCompensando, contracts.EstadoCancelada:
		return contracts.Aceptada{ID: id, Estado: known.Estado}, true, nil
	case contracts.EstadoRechazada, contracts.EstadoDespachada, contracts.EstadoFallida:
		return a, false, errs.New(errs.Conflict, "La compra está %s: ya no se puede cancelar.", known.Estado)
	}
	slog.WarnContext(ctx, "la cancelación va por el tópico", "error", err)
	err = s.commands.CancelarCompra(ctx, *known, motivo)
	if InDoubt(err) {
		return a, false, OutcomeUnknown(pathOf(id), "", err)
	}
	if err != nil {
		return a, false, &errs.Error{
			Codigo: errs.Unavailable, Mensaje: "No se pueden tomar cancelaciones en este momento. Intente de nuevo en unos segundos.", Cause: err,
		}
	}
	s.unconfirmed.add(ctx, contracts.CancelarCompra, id, motivo, s.state.now())
	return contracts.Aceptada{ID: id, Estado: known.Estado}, false, nil
}

// Aprobar approves or rejects a purchase that awaits it. Only its owner can say whether it does: while the owner is
// away this is Unavailable, or OutcomeUnknown where it may have been done.
func (s *Service) Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error) {
	id = contracts.CanonicalID(id)
	if err := validateDecision(id, motivo); err != nil {
		return contracts.Aceptada{}, err
	}
	return Settle(logging.WithCompra(ctx, id), pathOf(id), "", func(ctx context.Context, _ bool) (contracts.Aceptada, error) {
		return s.decisions.Aprobar(ctx, id, aprobada, motivo)
	})
}

func validateDecision(id, motivo string) error {
	var v contracts.Validator
	v.IDCompra("id", id)
	v.Motivo("motivo", motivo)
	return v.Error()
}
