// Package mensajes receives what gestor-compra is told over the broker: purchases, and the replies to what it asked.
package mensajes

import (
	"context"
	"log/slog"
	"slices"

	"entregas/contracts"
	"entregas/services/gestor-compra/postgres"
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
	AnotarRespuesta(ctx context.Context, idCompra string, comando contracts.Tipo, r postgres.Respuesta) (postgres.Anotada, error)
}

// Recibir subscribes to the topics of gestor-compra.
func Recibir(receptor *pubsub.Receptor, g Gestor, r Respuestas) {
	pubsub.Recibir(receptor, contracts.ComandosGestorCompra, func(ctx context.Context, m contracts.Mensaje[contracts.DatosComandoGestorCompra]) error {
		return comando(ctx, g, m)
	})
	pubsub.Recibir(receptor, contracts.EventosInventario, func(ctx context.Context, m contracts.Mensaje[contracts.DatosEventoInventario]) error {
		return respuesta(ctx, r, m.Data.IDCompra, m.Data.RespondeA, postgres.Respuesta{Tipo: m.Type, Faltantes: m.Data.Faltantes})
	})
	pubsub.Recibir(receptor, contracts.EventosProductos, func(ctx context.Context, m contracts.Mensaje[contracts.DatosEventoProductos]) error {
		return respuesta(ctx, r, m.Data.IDCompra, m.Data.RespondeA, postgres.Respuesta{Tipo: m.Type, Faltantes: m.Data.Faltantes, Motivo: m.Data.Motivo})
	})
	pubsub.Recibir(receptor, contracts.EventosOrden, func(ctx context.Context, m contracts.Mensaje[contracts.DatosEventoOrden]) error {
		if m.Type == contracts.OrdenDespachada && m.Data.RespondeA == "" { // a person did it, nobody asked
			return g.Despachada(ctx, m.Data.IDCompra)
		}
		return respuesta(ctx, r, m.Data.IDCompra, m.Data.RespondeA, postgres.Respuesta{Tipo: m.Type, IDOrden: m.Data.IDOrden, Motivo: m.Data.Motivo})
	})
}

func comando(ctx context.Context, g Gestor, m contracts.Mensaje[contracts.DatosComandoGestorCompra]) error {
	d := m.Data
	var err error
	switch m.Type {
	case contracts.CrearCompra:
		_, err = g.AceptarPorMensaje(ctx, contracts.SolicitudCompra{ID: d.IDCompra, IDUsuario: d.IDUsuario, Productos: d.Productos, Domicilio: d.Domicilio})
	case contracts.CancelarCompra:
		err = g.CancelarPorMensaje(ctx, d.IDCompra, d.IDUsuario, d.Motivo)
	default:
		return errores.Nuevo(errores.MensajeMalo, "gestor-compra no atiende %s", m.Type)
	}
	if errores.De(err) == errores.Conflicto { // nobody is there to be told, and trying again will not help
		return errores.Nuevo(errores.MensajeMalo, "%v", err)
	}
	return err
}

// respuestasA are the replies that each command may have; ADR 6 says when a rollback or a dispatch gets the second one.
var respuestasA = map[contracts.Tipo][]contracts.Tipo{
	contracts.ValidarInventario:            {contracts.InventarioValidado, contracts.InventarioInsuficiente},
	contracts.CancelarValidacionInventario: {contracts.ValidacionCancelada},
	contracts.ReservarProducto:             {contracts.ProductosReservados, contracts.ReservaRechazada},
	contracts.LiberarReserva:               {contracts.ReservaLiberada, contracts.ReservaDespachada},
	contracts.DespacharReserva:             {contracts.ReservaDespachada, contracts.ReservaRechazada},
	contracts.CrearOrden:                   {contracts.OrdenCreada, contracts.OrdenRechazada},
	contracts.CancelarOrden:                {contracts.OrdenCancelada, contracts.OrdenDespachada},
}

// respuesta records a reply. One that answers no known question, or not with a known answer, is a bad message; one that
// comes late or again changes nothing.
func respuesta(ctx context.Context, a Respuestas, idCompra, respondeA string, r postgres.Respuesta) error {
	comando := contracts.Tipo(respondeA)
	if !slices.Contains(respuestasA[comando], r.Tipo) {
		return errores.Nuevo(errores.MensajeMalo, "%s no responde a %q", r.Tipo, respondeA)
	}
	anotada, err := a.AnotarRespuesta(ctx, idCompra, comando, r)
	if err != nil {
		return err
	}
	switch anotada {
	case postgres.Primera:
	case postgres.Desconocida:
		return errores.Nuevo(errores.MensajeMalo, "nadie preguntó %s por la compra %s", comando, idCompra)
	default:
		slog.InfoContext(ctx, "respuesta sin efecto", "respuesta", r.Tipo, "por", anotada)
	}
	return nil
}
