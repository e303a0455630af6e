// Package mensajes receives what gestor-compra is told over the broker: purchases, and the replies to what it asked.
package mensajes

import (
	"context"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/errores"
	"entregas/services/internal/pubsub"
	"entregas/workflows/compra"
)

// Gestor is what may be done with a purchase.
type Gestor interface {
	AceptarPorMensaje(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error)
	CancelarPorMensaje(ctx context.Context, idCompra, idUsuario, motivo string) error
	Despachada(ctx context.Context, idCompra string) error
}

// Respuestas keeps the replies.
type Respuestas interface {
	AnotarRespuesta(ctx context.Context, idCompra string, comando contracts.Tipo, r compras.Respuesta) (compras.Anotada, error)
}

// Recibir subscribes to the topics of gestor-compra.
func Recibir(receptor *pubsub.Receptor, g Gestor, r Respuestas) {
	pubsub.Recibir(receptor, contracts.ComandosGestorCompra, func(ctx context.Context, m contracts.Mensaje[contracts.DatosComandoGestorCompra]) error {
		return comando(ctx, g, m)
	})
	for _, receive := range replies {
		receive(receptor, func(ctx context.Context, told reply) error {
			if told.Tipo == compra.Orden.Undo.Dispatched.Type && told.respondeA == "" { // a person did it, nobody asked
				if err := told.validate(); err != nil {
					return err
				}
				return g.Despachada(ctx, told.idCompra)
			}
			return answer(ctx, r, told)
		})
	}
}

func comando(ctx context.Context, g Gestor, m contracts.Mensaje[contracts.DatosComandoGestorCompra]) error {
	d := m.Data
	var err error
	switch m.Type {
	case contracts.CrearCompra:
		var v contracts.Validador
		if v.Motivo("motivo", d.Motivo); v.Error() != nil {
			return v.Error()
		}
		_, err = g.AceptarPorMensaje(ctx, d.Solicitud())
	case contracts.CancelarCompra:
		var v contracts.Validador
		if v.LineasSiHay("productos", d.Productos); v.Error() != nil {
			return v.Error()
		}
		err = g.CancelarPorMensaje(ctx, d.IDCompra, d.IDUsuario, d.Motivo)
	default:
		return errores.Nuevo(errores.MensajeMalo, "gestor-compra no atiende %s", m.Type)
	}
	if errores.De(err) == errores.Conflicto { // nobody is there to be told, and trying again will not help
		return errores.Nuevo(errores.MensajeMalo, "%v", err)
	}
	return err
}
