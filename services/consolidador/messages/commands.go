// Package messages handles the commands of topic comandos-inventario and publishes the replies on eventos-inventario. It has no
// inbox, since it changes nothing: every copy of a command is answered from the present stock (docs/adr/stored-replies.md).
package messages

import (
	"context"
	"time"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/services/consolidador/inventario"
)

// Existencias reads the stock of the products in lineas, by their ids.
type Existencias interface {
	Of(ctx context.Context, lineas []contracts.Linea) (map[string]int, error)
}

// Receive subscribes receiver to the commands and publishes each reply through publisher.
func Receive(receiver *pubsub.Receiver, publisher *pubsub.Publisher, existencias Existencias) {
	pubsub.Receive(receiver, contracts.ComandosInventario, func(ctx context.Context, m contracts.Message[contracts.DatosComandoInventario]) error {
		r, err := respond(ctx, existencias, m)
		if err != nil {
			return err
		}
		return pubsub.Publish(ctx, publisher, contracts.EventosInventario, r.Tipo, m.Data.IDCompra, contracts.DatosEventoInventario{
			IDCompra: m.Data.IDCompra, RespondeA: string(m.Type), Faltantes: r.Faltantes,
		})
	})
}

// deadline bounds the read of the stock. A database that hangs must not occupy all message handlers of the replica.
const deadline = 10 * time.Second

func respond(ctx context.Context, existencias Existencias, m contracts.Message[contracts.DatosComandoInventario]) (inventario.Reply, error) {
	if err := inventario.ValidateCommand(m.Type, m.Data); err != nil {
		return inventario.Reply{}, err
	}
	switch m.Type {
	case contracts.ValidarInventario:
		ctx, cancel := context.WithTimeout(ctx, deadline)
		defer cancel()
		stock, err := existencias.Of(ctx, m.Data.Productos)
		if err != nil {
			return inventario.Reply{}, err
		}
		return inventario.Validate(m.Data.Productos, stock), nil
	case contracts.CancelarValidacionInventario:
		return inventario.CancelValidation(), nil
	default:
		return inventario.Reply{}, errs.New(errs.BadMessage, "consolidador no conoce el comando %q", m.Type)
	}
}
