// Package mensajes receives what gestor-compra is told over the broker: purchases, and the replies to what it asked.
package mensajes

import (
	"context"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/errores"
	"entregas/services/internal/pubsub"
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
	pubsub.Recibir(receptor, contracts.EventosInventario, func(ctx context.Context, m contracts.Mensaje[contracts.DatosEventoInventario]) error {
		return answer(ctx, r, reply{m.Data.IDCompra, m.Data.RespondeA, compras.Respuesta{Tipo: m.Type, Faltantes: m.Data.Faltantes}})
	})
	pubsub.Recibir(receptor, contracts.EventosProductos, func(ctx context.Context, m contracts.Mensaje[contracts.DatosEventoProductos]) error {
		return answer(ctx, r, reply{m.Data.IDCompra, m.Data.RespondeA, compras.Respuesta{Tipo: m.Type, Faltantes: m.Data.Faltantes, Motivo: m.Data.Motivo}})
	})
	pubsub.Recibir(receptor, contracts.EventosOrden, func(ctx context.Context, m contracts.Mensaje[contracts.DatosEventoOrden]) error {
		told := reply{m.Data.IDCompra, m.Data.RespondeA, compras.Respuesta{Tipo: m.Type, IDOrden: m.Data.IDOrden, Motivo: m.Data.Motivo}}
		if m.Type == contracts.OrdenDespachada && m.Data.RespondeA == "" { // a person did it, nobody asked
			if err := told.validate(); err != nil {
				return err
			}
			return g.Despachada(ctx, m.Data.IDCompra)
		}
		return answer(ctx, r, told)
	})
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
		_, err = g.AceptarPorMensaje(ctx, contracts.SolicitudCompra{ID: d.IDCompra, IDUsuario: d.IDUsuario, Productos: d.Productos, Domicilio: d.Domicilio})
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
