// Package messages handles the commands of topic comandos-producto and publishes the replies on eventos-productos. Every copy
// of a command gets the same reply (docs/adr/stored-replies.md).
package messages

import (
	"context"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/inbox"
	"entregas/internal/pubsub"
	"entregas/services/admin-productos/productos"
)

// reply is the stored reply to a command.
type reply = inbox.Reply[contracts.DatosEventoProductos]

// Store carries out the commands.
type Store interface {
	Saved(ctx context.Context, c inbox.Command) (r reply, found bool, err error)
	Reservar(ctx context.Context, c inbox.Command, lineas []contracts.Linea) (reply, error)
	Liberar(ctx context.Context, c inbox.Command, lineas []contracts.Linea) (reply, error)
	Despachar(ctx context.Context, c inbox.Command, lineas []contracts.Linea) (reply, error)
}

// Receive subscribes receiver to the commands and publishes each reply through publisher. pace slows the reservations down.
func Receive(receiver *pubsub.Receiver, publisher *pubsub.Publisher, store Store, pace *Pace) {
	c := commands{store, pace}
	pubsub.Receive(receiver, contracts.ComandosProducto, func(ctx context.Context, m contracts.Message[contracts.DatosComandoProducto]) error {
		r, err := c.respond(ctx, m)
		if err != nil {
			return err
		}
		return pubsub.Publish(ctx, publisher, contracts.EventosProductos, r.Tipo, m.Data.IDCompra, r.Data)
	})
}

type commands struct {
	store Store
	pace  *Pace
}

func (c commands) respond(ctx context.Context, m contracts.Message[contracts.DatosComandoProducto]) (reply, error) {
	if err := productos.Validate(m.Type, m.Data); err != nil {
		return reply{}, err
	}
	command, err := inbox.FromMessage(m, m.Data.IDCompra)
	if err != nil {
		return reply{}, err
	}
	switch m.Type {
	case contracts.ReservarProducto:
		return c.reservar(ctx, command, m.Data.Productos)
	case contracts.LiberarReserva:
		return c.store.Liberar(ctx, command, m.Data.Productos)
	case contracts.DespacharReserva:
		return c.store.Despachar(ctx, command, m.Data.Productos)
	default:
		return reply{}, errs.New(errs.BadMessage, "admin-productos no conoce el comando %q", m.Type)
	}
}

// reservar carries out a ReservarProducto at the pace that is set. A redelivered command, whose reply is stored, is not slowed.
func (c commands) reservar(ctx context.Context, command inbox.Command, lineas []contracts.Linea) (reply, error) {
	if c.pace.Free() {
		return c.store.Reservar(ctx, command, lineas)
	}
	if saved, found, err := c.store.Saved(ctx, command); err != nil || found {
		return saved, err
	}
	leave, err := c.pace.Enter(ctx)
	if err != nil {
		return reply{}, err
	}
	defer leave()
	return c.store.Reservar(ctx, command, lineas)
}
