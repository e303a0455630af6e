// Package messages receives what gestor-compra tells of purchases.
package messages

import (
	"context"

	"entregas/bff/compras"
	"entregas/bff/live"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
)

type event = contracts.Message[contracts.DatosEventoCompra]

// Receive adds the two subscriptions of docs/adr/the-history-is-the-outbox.md. One replica writes the read model; each wakes
// its own streams.
func Receive(r *pubsub.Receiver, core *compras.Service, wakeups *live.Wakeups) {
	pubsub.Receive(r, contracts.EventosCompra, func(ctx context.Context, m event) error {
		if err := check(m); err != nil {
			return err
		}
		if err := core.Register(ctx, m.Data.Compra()); err != nil {
			return err
		}
		wakeups.Wake(m.Data.IDCompra, m.Data.Numero) // this replica's streams need not wait for their own copy
		return nil
	})
	pubsub.ReceiveAt(r, "/vivo/eventos-compra", contracts.EventosCompra, func(_ context.Context, m event) error {
		if check(m) != nil {
			return nil // the other subscription makes a dead letter of it, once
		}
		wakeups.Wake(m.Data.IDCompra, m.Data.Numero)
		wakeups.Tell(m.Data.Compra())
		return nil
	})
}

// check refuses a record that makes no sense: with it the read model would tell nonsense until the next one.
func check(m event) error {
	if m.Type != contracts.CompraActualizada {
		return errs.New(errs.BadMessage, "en %s no hay mensajes %q", contracts.EventosCompra, m.Type)
	}
	return m.Data.Validate()
}
