package messages

import (
	"context"
	"fmt"

	"entregas/contracts"
	"entregas/internal/logging"
	"entregas/internal/pubsub"
	"entregas/internal/telemetry"
	"entregas/services/gestor-compra/anchors"
	"entregas/services/gestor-compra/compras"
)

// commands has, for each topic of commands, the function that publishes a command about a purchase on it.
var commands = map[string]ask{
	string(contracts.ComandosInventario): to(contracts.ComandosInventario, func(command contracts.MessageType, c contracts.Compra) contracts.DatosComandoInventario {
		d := contracts.DatosComandoInventario{IDCompra: c.ID, Productos: c.Productos}
		if command == contracts.ValidarInventario {
			d.AceptadaEn = c.CreadaEn.UnixMilli()
		}
		return d
	}),
	string(contracts.ComandosProducto): to(contracts.ComandosProducto, func(_ contracts.MessageType, c contracts.Compra) contracts.DatosComandoProducto {
		return contracts.DatosComandoProducto{IDCompra: c.ID, Productos: c.Productos}
	}),
	// A rollback has no amounts and no code: two of one purchase, of which one was sent before they were known, would differ.
	string(contracts.ComandosOrden): to(contracts.ComandosOrden, func(command contracts.MessageType, c contracts.Compra) contracts.DatosComandoOrden {
		d := c.OrdenData()
		if command == contracts.CrearOrden {
			d.Codigo, d.Moneda, d.Total, d.Precios = c.Codigo, c.Moneda, c.Total, c.Precios
		}
		return d
	}),
}

// replies has, for each topic of replies, the function that subscribes to it and turns its messages into a reply.
var replies = map[string]receive{
	string(contracts.EventosInventario): from(contracts.EventosInventario, func(d contracts.DatosEventoInventario) reply {
		return reply{idCompra: d.IDCompra, repliesTo: d.RespondeA, Reply: compras.Reply{Faltantes: d.Faltantes, Importes: d.Importes()}}
	}),
	string(contracts.EventosProductos): from(contracts.EventosProductos, func(d contracts.DatosEventoProductos) reply {
		return reply{idCompra: d.IDCompra, repliesTo: d.RespondeA, Reply: compras.Reply{Faltantes: d.Faltantes, Motivo: d.Motivo}}
	}),
	string(contracts.EventosOrden): from(contracts.EventosOrden, func(d contracts.DatosEventoOrden) reply {
		return reply{
			idCompra: d.IDCompra, repliesTo: d.RespondeA, by: contracts.Actor{Sujeto: d.Sujeto, Rol: d.Rol},
			Reply: compras.Reply{IDOrden: d.IDOrden, Motivo: d.Motivo},
		}
	}),
}

// Participants sends the commands of the saga to its participants, through Publisher.
type Participants struct{ Publisher *pubsub.Publisher }

// Ask publishes a command about the purchase c on the topic of the command, and returns when the broker has stored it. It
// returns compras.ErrNobodyAsked for a command that is on no topic of the saga.
func (p Participants) Ask(ctx context.Context, c contracts.Compra, command contracts.MessageType) error {
	ask, known := commands[contracts.TopicOf(command).Name]
	if !known {
		return fmt.Errorf("%w: %s", compras.ErrNobodyAsked, command)
	}
	if logging.Trace(ctx) == "" { // tracing is off, and the trace of the purchase goes on all the same
		ctx = telemetry.Under(ctx, anchors.OfCompra(c.Traza, c.ID))
	}
	return ask(ctx, p.Publisher, command, c)
}

type ask func(ctx context.Context, p *pubsub.Publisher, command contracts.MessageType, c contracts.Compra) error

func to[D any](topic contracts.TopicName[D], payload func(contracts.MessageType, contracts.Compra) D) ask {
	return func(ctx context.Context, p *pubsub.Publisher, command contracts.MessageType, c contracts.Compra) error {
		return pubsub.Publish(ctx, p, topic, command, c.ID, payload(command, c))
	}
}

type receive func(receiver *pubsub.Receiver, take func(context.Context, reply) error)

func from[D any](topic contracts.TopicName[D], read func(D) reply) receive {
	return func(receiver *pubsub.Receiver, take func(context.Context, reply) error) {
		pubsub.Receive(receiver, topic, func(ctx context.Context, m contracts.Message[D]) error {
			r := read(m.Data)
			r.Tipo = m.Type
			return take(ctx, r)
		})
	}
}
