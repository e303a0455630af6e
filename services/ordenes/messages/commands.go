// Package messages handles the commands of topic comandos-orden and publishes the replies on eventos-orden. Every copy of a
// command gets the same reply (docs/adr/stored-replies.md). It also publishes the events of dispatches there.
package messages

import (
	"context"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/inbox"
	"entregas/internal/pubsub"
	"entregas/services/ordenes/ordenes"
)

// reply is the stored reply to a command.
type reply = inbox.Reply[contracts.DatosEventoOrden]

// Store carries out the commands.
type Store interface {
	Create(ctx context.Context, c inbox.Command, d contracts.DatosComandoOrden) (reply, error)
	Cancelar(ctx context.Context, c inbox.Command) (reply, error)
}

// Receive subscribes receiver to the commands and publishes each reply through publisher.
func Receive(receiver *pubsub.Receiver, publisher *pubsub.Publisher, store Store) {
	pubsub.Receive(receiver, contracts.ComandosOrden, func(ctx context.Context, m contracts.Message[contracts.DatosComandoOrden]) error {
		r, err := respond(ctx, store, m)
		if err != nil {
			return err
		}
		return Publisher(publisher)(ctx, r.Tipo, r.Data)
	})
}

// Publisher returns a function that publishes events on eventos-orden through p.
func Publisher(p *pubsub.Publisher) ordenes.Publish {
	return func(ctx context.Context, kind contracts.MessageType, data contracts.DatosEventoOrden) error {
		return pubsub.Publish(ctx, p, contracts.EventosOrden, kind, data.IDCompra, data)
	}
}

func respond(ctx context.Context, store Store, m contracts.Message[contracts.DatosComandoOrden]) (reply, error) {
	if err := ordenes.Validate(m.Type, m.Data); err != nil {
		return reply{}, err
	}
	command, err := inbox.FromMessage(m, m.Data.IDCompra)
	if err != nil {
		return reply{}, err
	}
	switch m.Type {
	case contracts.CrearOrden:
		return store.Create(ctx, command, m.Data)
	case contracts.CancelarOrden:
		return store.Cancelar(ctx, command)
	default:
		return reply{}, errs.New(errs.BadMessage, "ordenes no conoce el comando %q", m.Type)
	}
}
