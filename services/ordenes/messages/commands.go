// Package messages answers the commands of commands-orden on events-orden, each copy of a command alike
// (docs/adr/stored-replies.md), and tells there what a REST call did.
package messages

import (
	"context"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/inbox"
	"entregas/internal/pubsub"
	"entregas/services/ordenes/ordenes"
)

// reply is the stored answer to a command.
type reply = inbox.Reply[contracts.DatosEventoOrden]

// Store is what the commands ask of the store.
type Store interface {
	Create(ctx context.Context, c inbox.Command, d contracts.DatosComandoOrden) (reply, error)
	Cancelar(ctx context.Context, c inbox.Command) (reply, error)
}

// Receive answers each command that receiver gets.
func Receive(receiver *pubsub.Receiver, publisher *pubsub.Publisher, store Store) {
	pubsub.Receive(receiver, contracts.ComandosOrden, func(ctx context.Context, m contracts.Message[contracts.DatosComandoOrden]) error {
		r, err := respond(ctx, store, m)
		if err != nil {
			return err
		}
		return Publisher(publisher)(ctx, r.Tipo, r.Data)
	})
}

// Publisher puts events on events-orden.
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
