package dapr

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/internal/errores"
	"entregas/services/internal/pubsub"
)

// plazoPublicacion bounds the publication of a command by the bff.
const plazoPublicacion = 3 * time.Second

// Comandos publishes commands to gestor-compra. It implements compras.Comandos.
type Comandos struct{ Publicador *pubsub.Publicador }

// CrearCompra implements compras.Comandos.
func (c Comandos) CrearCompra(ctx context.Context, s contracts.SolicitudCompra) error {
	return c.publicar(ctx, contracts.CrearCompra, s.CommandData(""))
}

// CancelarCompra implements compras.Comandos.
func (c Comandos) CancelarCompra(ctx context.Context, compra contracts.Compra, motivo string) error {
	return c.publicar(ctx, contracts.CancelarCompra, compra.CommandData(motivo))
}

func (c Comandos) publicar(ctx context.Context, tipo contracts.Tipo, data contracts.DatosComandoGestorCompra) error {
	ctx, soltar := context.WithTimeout(ctx, plazoPublicacion)
	defer soltar()
	err := pubsub.Publicar(ctx, c.Publicador, contracts.ComandosGestorCompra, tipo, data.IDCompra, data)
	switch {
	case err == nil:
		return nil
	case neverPublished(err):
		return fmt.Errorf("%w: %w", compras.ErrNotDone, err)
	default: // the broker may have it: its acknowledgement may be what was lost
		return errores.Pasajero(err)
	}
}

// neverPublished tells that a publish failed before the sidecar called the broker: by the codes that daprd 1.18 gives until then,
// or since there was no connection to the sidecar. gRPC has one code for that and for a connection that broke, and tells them
// apart in words only.
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
