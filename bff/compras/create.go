package compras

import (
	"context"
	"errors"
	"log/slog"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/logging"
)

// Create takes a purchase. idempotencyKey is the customer's name for this sending, "" for none.
//
// What is wrong with s is found before anything is written or called. Then the purchase is written down as RECIBIDA, so
// that a client that has its id can read it, and given to its owner; when the owner does not answer, it is published with the
// same id: should both arrive, they are one purchase. When that fails too, the error is Unavailable where it certainly was not
// taken, and it is forgotten here; it is OutcomeUnknown where it may have been, and SendAgain settles it. While the store does not
// answer, what has no idempotencyKey goes to its owner alone.
func (s *Service) Create(ctx context.Context, solicitud contracts.SolicitudCompra, idempotencyKey string) (contracts.Aceptada, error) {
	solicitud.ID = contracts.CanonicalID(solicitud.ID)
	requested := solicitud // as it came: without an id when the customer gave none
	if solicitud.ID == "" {
		solicitud.ID = uuid.Must(uuid.NewV7()).String()
	}
	if err := solicitud.Validate(); err != nil {
		return contracts.Aceptada{}, err
	}
	if idempotencyKey != "" {
		id, err := s.state.submissionID(ctx, idempotencyKey, requested, solicitud.ID)
		if err != nil {
			return contracts.Aceptada{}, err
		}
		solicitud.ID = id
	}
	ctx = logging.WithCompra(ctx, solicitud.ID)
	planted, err := s.state.plantSeed(ctx, solicitud)
	switch {
	case err != nil && errs.Of(err) == errs.Unavailable: // its owner may take it all the same, and then tells of it itself
		slog.WarnContext(ctx, "the store does not answer: only gestor-compra can take the purchase", "error", err)
	case err != nil:
		return contracts.Aceptada{}, err
	}
	repeat := ""
	if requested.ID == "" && idempotencyKey == "" { // sent again as it was it would get another id
		repeat = "para repetirla, envíela con \"id\": \"" + solicitud.ID + "\"."
	}
	accepted, err := s.deliver(ctx, solicitud, repeat)
	switch {
	case err != nil && errs.Of(err) == errs.OutcomeUnknown: // its owner is asked until that is known: see SendAgain
		s.unconfirmed.add(ctx, contracts.CrearCompra, solicitud.ID, "", s.state.now())
	case err != nil && planted:
		s.forget(ctx, solicitud.ID)
	}
	return accepted, err
}

// deliver gives the purchase to its owner, one way or the other. repeat is as in OutcomeUnknown.
func (s *Service) deliver(ctx context.Context, solicitud contracts.SolicitudCompra, repeat string) (contracts.Aceptada, error) {
	accepted, err := s.manager.Create(ctx, solicitud)
	if err == nil || errs.Of(err) != errs.Unavailable {
		return accepted, err
	}
	slog.WarnContext(ctx, "gestor-compra no responde: la compra va por el tópico", "error", err)
	first := err
	accepted, err = s.viaTopic(ctx, solicitud, repeat)
	if err != nil && InDoubt(first) && !definite(err) {
		return accepted, OutcomeUnknown(pathOf(solicitud.ID), repeat, errors.Join(first, err))
	}
	return accepted, err
}

// viaTopic gives the purchase to its owner by way of the broker.
func (s *Service) viaTopic(ctx context.Context, solicitud contracts.SolicitudCompra, repeat string) (contracts.Aceptada, error) {
	if err := s.isNotAnother(ctx, solicitud); err != nil {
		return contracts.Aceptada{}, err
	}
	// The owner will tell of it once it has it; until then only this knows whose it is.
	if err := s.state.recordOfUsuario(ctx, solicitud.IDUsuario, recorded{ID: solicitud.ID, CreadaEn: s.state.now().UTC()}); err != nil {
		return contracts.Aceptada{}, err
	}
	err := s.commands.CrearCompra(ctx, solicitud)
	if InDoubt(err) {
		return contracts.Aceptada{}, OutcomeUnknown(pathOf(solicitud.ID), repeat, err)
	}
	if err != nil {
		return contracts.Aceptada{}, &errs.Error{
			Codigo: errs.Unavailable, Mensaje: "No se pueden tomar compras en este momento. Intente de nuevo en unos segundos.", Cause: err,
		}
	}
	s.unconfirmed.add(ctx, contracts.CrearCompra, solicitud.ID, "", s.state.now())
	return contracts.Aceptada{ID: solicitud.ID, Estado: contracts.EstadoRecibida}, nil
}

// isNotAnother refuses an id that is known here with another owner or content, as the owner would if it answered.
func (s *Service) isNotAnother(ctx context.Context, solicitud contracts.SolicitudCompra) error {
	view, err := s.state.load(ctx, solicitud.ID)
	if err != nil || view == nil {
		return err
	}
	if !view.Compra.IsSame(solicitud) {
		return errs.New(errs.Conflict, "Ya existe una compra %s con otro contenido.", solicitud.ID)
	}
	return nil
}

// forget takes back what Create wrote down of a purchase that was not taken. Failing, it leaves a RECIBIDA that
// nobody works on until its time to live ends: said in the log, since the customer already has an error.
func (s *Service) forget(ctx context.Context, id string) {
	ctx = context.WithoutCancel(ctx) // the customer may be gone
	if err := s.state.forgetSeed(ctx, id); err != nil && !errors.Is(err, ErrChanged) {
		slog.WarnContext(ctx, "queda anotada una compra que no se tomó", "error", err)
	}
}
