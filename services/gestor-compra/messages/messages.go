// Package messages receives the commands and replies for gestor-compra, and publishes the commands of the saga.
package messages

import (
	"context"
	"time"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/errs"
	"entregas/internal/inbox"
	"entregas/internal/pubsub"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// Manager carries out the commands about purchases.
type Manager interface {
	AcceptByMessage(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error)
	CancelarByMessage(ctx context.Context, idCompra, idUsuario, motivo string) error
	DespachoDone(ctx context.Context, idCompra string) error
}

// Replies records the replies of the participants.
type Replies interface {
	// RecordReply returns also how long after its command a First reply came, or 0 where the step was reopened. A reply that was stored
	// may come with an error.
	RecordReply(ctx context.Context, idCompra string, command contracts.MessageType, r compras.Reply) (recorded compras.Recorded, waited time.Duration, err error)
}

// Receive subscribes to the topics of gestor-compra.
func Receive(receiver *pubsub.Receiver, g Manager, r Replies) {
	pubsub.Receive(receiver, contracts.ComandosGestorCompra, func(ctx context.Context, m contracts.Message[contracts.DatosComandoGestorCompra]) error {
		return command(ctx, g, m)
	})
	for _, receive := range replies {
		receive(receiver, func(ctx context.Context, told reply) error {
			if told.Tipo == compra.Orden.Undo.Dispatched.Type && told.repliesTo == "" { // a person dispatched the order
				if err := told.validate(); err != nil {
					return err
				}
				return g.DespachoDone(actor.With(ctx, told.by), told.idCompra)
			}
			return answer(ctx, r, told)
		})
	}
}

func command(ctx context.Context, g Manager, m contracts.Message[contracts.DatosComandoGestorCompra]) error {
	d := m.Data
	by := contracts.Actor{Sujeto: d.Sujeto, Rol: d.Rol}
	var v contracts.Validator
	if v.Person("sujeto", "rol", by); v.Error() != nil {
		return v.Error()
	}
	ctx = actor.With(ctx, by)
	var err error
	switch m.Type {
	case contracts.CrearCompra:
		if v.Motivo("motivo", d.Motivo); v.Error() != nil {
			return v.Error()
		}
		if err := inbox.CheckAge(m); err != nil { // its cancellation may have come first, and be forgotten
			return err
		}
		_, err = g.AcceptByMessage(ctx, d.NewSolicitud())
	case contracts.CancelarCompra:
		if v.LineasIfAny("productos", d.Productos); v.Error() != nil {
			return v.Error()
		}
		err = g.CancelarByMessage(ctx, d.IDCompra, d.IDUsuario, d.Motivo)
	default:
		return errs.New(errs.BadMessage, "gestor-compra no atiende %s", m.Type)
	}
	if errs.Of(err) == errs.Conflict { // the sender gets no answer, and a retry does not help
		return errs.New(errs.BadMessage, "%v", err)
	}
	return err
}
