// Package messages receives the changes of purchases on topic eventos-compra, and records what is to be told about them.
package messages

import (
	"context"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/services/avisos/avisos"
	"entregas/services/avisos/correo"
)

// Store records events.
type Store interface {
	// Record adds a delivery of each event to each address that wants it, and the mails that their customers want, each once. It returns
	// how many it added.
	Record(ctx context.Context, sucesos []avisos.Suceso, cartas ...correo.Carta) (deliveries, mails int, err error)
}

// Wake are called after deliveries, or mails, were recorded. A nil Mails means that nobody sends mails, and none is recorded.
type Wake struct{ Deliveries, Mails func() }

// Receive subscribes receiver to the changes of purchases.
func Receive(receiver *pubsub.Receiver, store Store, wake Wake) {
	pubsub.Receive(receiver, contracts.EventosCompra, func(ctx context.Context, m contracts.Message[contracts.DatosEventoCompra]) error {
		if m.Type != contracts.CompraActualizada {
			return errs.New(errs.BadMessage, "en %s no hay mensajes %q", contracts.EventosCompra, m.Type)
		}
		if err := m.Data.Validate(); err != nil {
			return err
		}
		sucesos, err := avisos.SucesosOf(m.Data)
		if err != nil {
			return err
		}
		var cartas []correo.Carta
		if wake.Mails != nil {
			cartas = correo.CartasOf(m.Data, sucesos)
		}
		deliveries, mails, err := store.Record(ctx, sucesos, cartas...)
		if deliveries > 0 {
			wake.Deliveries()
		}
		if mails > 0 {
			wake.Mails()
		}
		return err
	})
}
