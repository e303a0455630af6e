// Package messages handles the commands of topic comandos-inventario and publishes the replies on eventos-inventario. It has no
// inbox, since it changes nothing: every copy of a command is answered from the present stock, and from the prices of one instant
// (docs/adr/stored-replies.md).
package messages

import (
	"context"
	"time"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/services/consolidador/inventario"
)

// Existencias reads the stock of the products in lineas, and their prices at the instant at.
type Existencias interface {
	Of(ctx context.Context, lineas []contracts.Linea, at time.Time) (inventario.Shelf, error)
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
			Moneda: r.Importes.Moneda, Total: r.Importes.Total, Precios: r.Importes.Precios,
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
		shelf, err := existencias.Of(ctx, m.Data.Productos, time.UnixMilli(m.Data.AceptadaEn)) // before all prices where the sender asks for none
		if err != nil {
			return inventario.Reply{}, err
		}
		return inventario.Validate(m.Data.Productos, shelf), nil
	case contracts.CancelarValidacionInventario:
		return inventario.CancelValidation(), nil
	default:
		return inventario.Reply{}, errs.New(errs.BadMessage, "consolidador no conoce el comando %q", m.Type)
	}
}
