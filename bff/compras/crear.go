package compras

import (
	"context"
	"errors"
	"log/slog"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/services/internal/registro"
)

// Crear takes a purchase. claveIdempotencia is the customer's name for this sending, "" for none.
//
// What is wrong with s is found before anything is written or called. Then the purchase is written down as RECIBIDA, so
// that a client that has its id can read it, and given to its owner; when the owner does not answer, it is published with the
// same id: should both arrive, they are one purchase. When that fails too, the error is NoDisponible where it certainly was not
// taken, and it is forgotten here; it is OutcomeUnknown where it may have been, and SendAgain settles it. While the store does not
// answer, what has no claveIdempotencia goes to its owner alone.
func (s *Servicio) Crear(ctx context.Context, solicitud contracts.SolicitudCompra, claveIdempotencia string) (contracts.Aceptada, error) {
	solicitud.ID = contracts.CanonicalID(solicitud.ID)
	pedida := solicitud // as it came: without an id when the customer gave none
	if solicitud.ID == "" {
		solicitud.ID = uuid.Must(uuid.NewV7()).String()
	}
	if err := solicitud.Validar(); err != nil {
		return contracts.Aceptada{}, err
	}
	if claveIdempotencia != "" {
		id, err := s.estado.idDeEnvio(ctx, claveIdempotencia, pedida, solicitud.ID)
		if err != nil {
			return contracts.Aceptada{}, err
		}
		solicitud.ID = id
	}
	ctx = registro.ConCompra(ctx, solicitud.ID)
	sembrada, err := s.estado.sembrar(ctx, solicitud)
	switch {
	case err != nil && errores.De(err) == errores.NoDisponible: // its owner may take it all the same, and then tells of it itself
		slog.WarnContext(ctx, "the store does not answer: only gestor-compra can take the purchase", "error", err)
	case err != nil:
		return contracts.Aceptada{}, err
	}
	repeat := ""
	if pedida.ID == "" && claveIdempotencia == "" { // sent again as it was it would get another id
		repeat = "para repetirla, envíela con \"id\": \"" + solicitud.ID + "\"."
	}
	aceptada, err := s.entregar(ctx, solicitud, repeat)
	switch {
	case err != nil && errores.De(err) == errores.OutcomeUnknown: // its owner is asked until that is known: see SendAgain
		s.unconfirmed.add(ctx, contracts.CrearCompra, solicitud.ID, "", s.estado.ahora())
	case err != nil && sembrada:
		s.olvidar(ctx, solicitud.ID)
	}
	return aceptada, err
}

// entregar gives the purchase to its owner, one way or the other. repeat is as in OutcomeUnknown.
func (s *Servicio) entregar(ctx context.Context, solicitud contracts.SolicitudCompra, repeat string) (contracts.Aceptada, error) {
	aceptada, err := s.gestor.Crear(ctx, solicitud)
	if err == nil || errores.De(err) != errores.NoDisponible {
		return aceptada, err
	}
	slog.WarnContext(ctx, "gestor-compra no responde: la compra va por el tópico", "error", err)
	first := err
	aceptada, err = s.porTopico(ctx, solicitud, repeat)
	if err != nil && InDoubt(first) && !definite(err) {
		return aceptada, OutcomeUnknown(pathOf(solicitud.ID), repeat, errors.Join(first, err))
	}
	return aceptada, err
}

// porTopico gives the purchase to its owner by way of the broker.
func (s *Servicio) porTopico(ctx context.Context, solicitud contracts.SolicitudCompra, repeat string) (contracts.Aceptada, error) {
	if err := s.noEsOtra(ctx, solicitud); err != nil {
		return contracts.Aceptada{}, err
	}
	// The owner will tell of it once it has it; until then only this knows whose it is.
	if err := s.estado.anotarDeUsuario(ctx, solicitud.IDUsuario, anotada{ID: solicitud.ID, CreadaEn: s.estado.ahora().UTC()}); err != nil {
		return contracts.Aceptada{}, err
	}
	err := s.comandos.CrearCompra(ctx, solicitud)
	if InDoubt(err) {
		return contracts.Aceptada{}, OutcomeUnknown(pathOf(solicitud.ID), repeat, err)
	}
	if err != nil {
		return contracts.Aceptada{}, &errores.Error{
			Codigo: errores.NoDisponible, Mensaje: "No se pueden tomar compras en este momento. Intente de nuevo en unos segundos.", Causa: err,
		}
	}
	s.unconfirmed.add(ctx, contracts.CrearCompra, solicitud.ID, "", s.estado.ahora())
	return contracts.Aceptada{ID: solicitud.ID, Estado: contracts.EstadoRecibida}, nil
}

// noEsOtra refuses an id that is known here with another owner or content, as the owner would if it answered.
func (s *Servicio) noEsOtra(ctx context.Context, solicitud contracts.SolicitudCompra) error {
	vista, err := s.estado.leer(ctx, solicitud.ID)
	if err != nil || vista == nil {
		return err
	}
	if !vista.Compra.EsLaMisma(solicitud) {
		return errores.Nuevo(errores.Conflicto, "Ya existe una compra %s con otro contenido.", solicitud.ID)
	}
	return nil
}

// olvidar takes back what Crear wrote down of a purchase that was not taken. Failing, it leaves a RECIBIDA that
// nobody works on until its time to live ends: said in the log, since the customer already has an error.
func (s *Servicio) olvidar(ctx context.Context, id string) {
	ctx = context.WithoutCancel(ctx) // the customer may be gone
	if err := s.estado.olvidarSemilla(ctx, id); err != nil && !errors.Is(err, ErrYaCambio) {
		slog.WarnContext(ctx, "queda anotada una compra que no se tomó", "error", err)
	}
}
