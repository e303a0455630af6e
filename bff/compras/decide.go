package compras

import (
	"context"
	"errors"
	"log/slog"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/logging"
)

// Decisions are the operations by which a customer or an operator decides about a purchase. The owner of the purchase does them.
// Errors as in Manager.
type Decisions interface {
	// Cancelar requests the cancellation of a purchase. done reports that the purchase is already cancelled, or is being rolled
	// back.
	Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, done bool, err error)
	// Aprobar approves or rejects a purchase that awaits approval. A repeated decision gets the same answer.
	Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error)
}

// Cancelar requests the cancellation of a purchase from its owner. If the owner does not answer, or does not have the purchase
// yet, Cancelar publishes the command. Error: Conflict if the purchase in the read model can no longer be cancelled. If the
// broker does not answer either, the error is OutcomeUnknown if the owner may have cancelled the purchase, else Unavailable.
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

// pathOf returns the path at which a client reads a purchase.
func pathOf(id string) string { return "/api/compras/" + id }

// cancelarByTopic publishes a cancellation after the call of the owner failed with err: the owner did not answer, or does not
// have the purchase.
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
		return contracts.Aceptada{ID: id, Codigo: known.Codigo, Estado: known.Estado}, true, nil
	case contracts.EstadoRechazada, contracts.EstadoDespachada, contracts.EstadoFallida:
		return a, false, errs.New(errs.Conflict, "La compra está %s: ya no se puede cancelar.", known.Estado)
	}
	slog.WarnContext(ctx, "the cancellation goes by the topic", "error", err)
	err = s.commands.CancelarCompra(ctx, *known, motivo)
	if InDoubt(err) {
		return a, false, OutcomeUnknown(pathOf(id), "", err)
	}
	if err != nil {
		return a, false, &errs.Error{
			Code: errs.Unavailable, Message: "No se pueden tomar cancelaciones en este momento. Intente de nuevo en unos segundos.", Cause: err,
		}
	}
	s.unconfirmed.add(ctx, cancelarCompra(id, motivo), s.state.now())
	return contracts.Aceptada{ID: id, Codigo: known.Codigo, Estado: known.Estado}, false, nil
}

// Aprobar approves or rejects a purchase that awaits approval. Only the owner knows whether the purchase awaits approval. So
// while the owner is away, the error is Unavailable, or OutcomeUnknown if the owner may have decided.
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
