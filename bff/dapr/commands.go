package dapr

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/bff/compras"
	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
)

// publishDeadline bounds the publication of a command by the bff.
const publishDeadline = 3 * time.Second

// Commands publishes commands to gestor-compra, in the name of the person who acts in the context. It implements compras.Commands. If a command was certainly not published, the
// error has compras.ErrNotDone in its chain; any other error is Unavailable.
type Commands struct{ Publisher *pubsub.Publisher }

// CrearCompra implements compras.Commands.
func (c Commands) CrearCompra(ctx context.Context, s contracts.SolicitudCompra) error {
	return c.publish(ctx, contracts.CrearCompra, s.CommandData(""))
}

// CancelarCompra implements compras.Commands.
func (c Commands) CancelarCompra(ctx context.Context, compra contracts.Compra, motivo string) error {
	return c.publish(ctx, contracts.CancelarCompra, compra.CommandData(motivo))
}

func (c Commands) publish(ctx context.Context, kind contracts.MessageType, data contracts.DatosComandoGestorCompra) error {
	who := actor.Of(ctx)
	data.Sujeto, data.Rol = who.Sujeto, who.Rol
	ctx, cancel := context.WithTimeout(ctx, publishDeadline)
	defer cancel()
	err := pubsub.Publish(ctx, c.Publisher, contracts.ComandosGestorCompra, kind, data.IDCompra, data)
	switch {
	case err == nil:
		return nil
	case neverPublished(err):
		return fmt.Errorf("%w: %w", compras.ErrNotDone, err)
	default: // the broker may have the command, and only its acknowledgement was lost
		return errs.Transient(err)
	}
}

// neverPublished reports whether a publish failed before the sidecar called the broker. Either daprd 1.18 answered one of the
// codes that it has for this, or there was no connection to the sidecar. gRPC has the same code Unavailable for no connection and
// for a connection that broke; only the text of the error differs.
func neverPublished(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition, codes.PermissionDenied:
		return true
	case codes.Unavailable:
		return strings.Contains(err.Error(), "Error while dialing")
	default:
		return errors.Is(err, pubsub.ErrNotEncoded)
	}
}
