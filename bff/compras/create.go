package compras

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/logging"
)

// Create takes a purchase. idempotencyKey is "" where the client sent none. Create works in this order:
//  1. It validates solicitud, before it writes or calls anything.
//  2. It writes the purchase into the read model as RECIBIDA, so that a client that has the id can read it. While the store does
//     not answer, Create sends a purchase without an idempotencyKey to the owner only.
//  3. It calls the owner. If the owner does not answer, Create publishes the command with the same id: if the call and the command
//     both arrive, the owner creates one purchase.
//
// If both the call and the publication fail, the error is Unavailable if the purchase was certainly not taken; then Create
// deletes the purchase from the read model. The error is OutcomeUnknown if the purchase may have been taken; then SendAgain asks
// the owner later.
func (s *Service) Create(ctx context.Context, solicitud contracts.SolicitudCompra, idempotencyKey string) (contracts.Aceptada, error) {
	start := time.Now()
	accepted, repeated, err := s.create(ctx, solicitud, idempotencyKey)
	measureAcceptance(ctx, start, repeated, err)
	return accepted, err
}

// create is Create without its metrics. repeated says that the read model had the purchase before. It had it
// also if an earlier request ended as OutcomeUnknown: the owner does not tell whether this acceptance is the first.
func (s *Service) create(ctx context.Context, solicitud contracts.SolicitudCompra, idempotencyKey string) (accepted contracts.Aceptada, repeated bool, err error) {
	solicitud.ID = contracts.CanonicalID(solicitud.ID)
	requested := solicitud // without an id where the client gave none
	if solicitud.ID == "" {
		solicitud.ID = uuid.Must(uuid.NewV7()).String()
	}
	if err := solicitud.Validate(); err != nil {
		return contracts.Aceptada{}, false, err
	}
	if idempotencyKey != "" {
		id, err := s.state.submissionID(ctx, idempotencyKey, requested, solicitud.ID)
		if err != nil {
			return contracts.Aceptada{}, false, err
		}
		solicitud.ID = id
	}
	ctx = logging.WithCompra(ctx, solicitud.ID)
	planted, unseen := s.state.plantSeed(ctx, solicitud)
	switch {
	case unseen != nil && errs.Of(unseen) == errs.Unavailable: // the owner may still accept the purchase, and then publishes it
		slog.WarnContext(ctx, "the store does not answer: only gestor-compra can take the purchase", "error", unseen)
	case unseen != nil:
		return contracts.Aceptada{}, false, unseen
	}
	repeat := ""
	if requested.ID == "" && idempotencyKey == "" { // the same request sent again would get another id
		repeat = "para repetirla, envíela con \"id\": \"" + solicitud.ID + "\"."
	}
	accepted, err = s.deliver(ctx, solicitud, repeat)
	switch {
	case err != nil && errs.Of(err) == errs.OutcomeUnknown: // SendAgain asks the owner until the outcome is known
		s.unconfirmed.add(ctx, crearCompra(solicitud), s.state.now())
	case err != nil && planted:
		s.forget(ctx, solicitud.ID)
	}
	return accepted, !planted && unseen == nil, err
}

// deliver sends the purchase to its owner by a call, or by the topic if the owner does not answer the call. repeat is as in
// OutcomeUnknown.
func (s *Service) deliver(ctx context.Context, solicitud contracts.SolicitudCompra, repeat string) (contracts.Aceptada, error) {
	accepted, err := s.manager.Create(ctx, solicitud)
	if err == nil || errs.Of(err) != errs.Unavailable {
		return accepted, err
	}
	slog.WarnContext(ctx, "gestor-compra does not answer: the purchase goes by the topic", "error", err)
	first := err
	accepted, err = s.viaTopic(ctx, solicitud, repeat)
	if err != nil && InDoubt(first) && !definite(err) {
		return accepted, OutcomeUnknown(pathOf(solicitud.ID), repeat, errors.Join(first, err))
	}
	return accepted, err
}

// viaTopic publishes the purchase to its owner. repeat is as in OutcomeUnknown.
func (s *Service) viaTopic(ctx context.Context, solicitud contracts.SolicitudCompra, repeat string) (contracts.Aceptada, error) {
	if err := s.isNotAnother(ctx, solicitud); err != nil {
		return contracts.Aceptada{}, err
	}
	// The owner publishes the purchase after it has received the command. Until then only this list shows that the customer has
	// the purchase.
	if err := s.state.recordOfUsuario(ctx, solicitud.IDUsuario, recorded{ID: solicitud.ID, CreadaEn: s.state.now().UTC()}); err != nil {
		return contracts.Aceptada{}, err
	}
	err := s.commands.CrearCompra(ctx, solicitud)
	if InDoubt(err) {
		return contracts.Aceptada{}, OutcomeUnknown(pathOf(solicitud.ID), repeat, err)
	}
	if err != nil {
		return contracts.Aceptada{}, &errs.Error{
			Code: errs.Unavailable, Message: "No se pueden tomar compras en este momento. Intente de nuevo en unos segundos.", Cause: err,
		}
	}
	s.unconfirmed.add(ctx, crearCompra(solicitud), s.state.now())
	return contracts.Aceptada{ID: solicitud.ID, Estado: contracts.EstadoRecibida}, nil
}

// isNotAnother refuses an id under which the read model has a purchase of another customer or with another content. The owner
// would refuse the id too. Error: Conflict.
func (s *Service) isNotAnother(ctx context.Context, solicitud contracts.SolicitudCompra) error {
	view, err := s.state.load(ctx, solicitud.ID)
	if err != nil || view == nil {
		return err
	}
	if !view.isSame(solicitud) {
		return errs.New(errs.Conflict, "Ya existe una compra %s con otro contenido.", solicitud.ID)
	}
	return nil
}

// forget deletes the entries that Create wrote for a purchase that the owner did not accept. If the deletion fails, the read
// model shows a RECIBIDA purchase without a saga until the ttl ends. The log says so; the client already has an error.
func (s *Service) forget(ctx context.Context, id string) {
	ctx = context.WithoutCancel(ctx) // the client may be gone
	if err := s.state.forgetSeed(ctx, id); err != nil && !errors.Is(err, ErrChanged) {
		slog.WarnContext(ctx, "the read model keeps a purchase that was not taken", "error", err)
	}
}
