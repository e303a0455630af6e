// Package messages receives the changes of purchases on topic eventos-compra, and records what is to be told about them.
package messages

import (
	"context"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/services/avisos/avisos"
)

// Store records events.
type Store interface {
	// Record adds a delivery of each event to each address that wants it, once, and returns how many it added.
	Record(ctx context.Context, sucesos []avisos.Suceso) (int, error)
}

// Receive subscribes receiver to the changes of purchases. It calls wake after it has recorded deliveries.
func Receive(receiver *pubsub.Receiver, store Store, wake func()) {
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
		n, err := store.Record(ctx, sucesos)
		if n > 0 {
			wake()
		}
		return err
	})
}
