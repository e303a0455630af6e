package dapr

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/internal/pubsub"
)

// plazoPublicacion is how long a publish may take while someone waits for it.
const plazoPublicacion = 3 * time.Second

// Comandos publishes commands to gestor-compra. It implements compras.Comandos.
type Comandos struct{ Publicador *pubsub.Publicador }

// CrearCompra implements compras.Comandos.
func (c Comandos) CrearCompra(ctx context.Context, s contracts.SolicitudCompra) error {
	return c.publicar(ctx, contracts.CrearCompra, contracts.DatosComandoGestorCompra{
		IDCompra: s.ID, IDUsuario: s.IDUsuario, Productos: s.Productos, Domicilio: s.Domicilio,
	})
}

// CancelarCompra implements compras.Comandos.
func (c Comandos) CancelarCompra(ctx context.Context, compra contracts.Compra, motivo string) error {
	return c.publicar(ctx, contracts.CancelarCompra, contracts.DatosComandoGestorCompra{
		IDCompra: compra.ID, IDUsuario: compra.IDUsuario, Productos: compra.Productos, Domicilio: compra.Domicilio, Motivo: motivo,
	})
}

func (c Comandos) publicar(ctx context.Context, tipo contracts.Tipo, data contracts.DatosComandoGestorCompra) error {
	ctx, soltar := context.WithTimeout(ctx, plazoPublicacion)
	defer soltar()
	err := pubsub.Publicar(ctx, c.Publicador, contracts.ComandosGestorCompra, tipo, data.IDCompra, data)
	outOfTime := ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || status.Code(err) == codes.DeadlineExceeded
	if err != nil && !outOfTime { // the sidecar said so: only what ran out of time may have reached the broker
		err = fmt.Errorf("%w: %w", compras.ErrNotDone, err)
	}
	return err
}
