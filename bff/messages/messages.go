// Package messages receives the events of gestor-compra.
package messages

import (
	"context"

	"entregas/bff/compras"
	"entregas/bff/live"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/internal/telemetry"
)

type event = contracts.Message[contracts.DatosEventoCompra]

// Receive adds the two subscriptions of the bff to r (docs/adr/the-history-is-the-outbox.md). By the first, one replica writes an
// event into the read model. By the second, every replica wakes its own streams.
func Receive(r *pubsub.Receiver, core *compras.Service, wakeups *live.Wakeups) {
	pubsub.Receive(r, contracts.EventosCompra, func(ctx context.Context, m event) error {
		if err := check(m); err != nil {
			return err
		}
		c := m.Data.Compra()
		c.Traza = telemetry.Recorded(m.Traceparent)
		if err := core.Register(ctx, c); err != nil {
			return err
		}
		wakeups.Wake(m.Data.IDCompra, m.Data.Numero) // earlier than the event of the second subscription
		return nil
	})
	pubsub.ReceiveAt(r, "/vivo/eventos-compra", contracts.EventosCompra, func(_ context.Context, m event) error {
		if check(m) != nil {
			return nil // the first subscription makes a dead letter of it
		}
		wakeups.Wake(m.Data.IDCompra, m.Data.Numero)
		wakeups.Tell(m.Data.Compra())
		return nil
	})
}

// check refuses an event that is not valid. Else the read model would have wrong data until the next event. Error: BadMessage.
func check(m event) error {
	if m.Type != contracts.CompraActualizada {
		return errs.New(errs.BadMessage, "en %s no hay mensajes %q", contracts.EventosCompra, m.Type)
	}
	return m.Data.Validate()
}
