// Package mensajes answers the commands of comandos-orden on eventos-orden, each copy of a command alike
// (docs/adr/stored-replies.md), and tells there what a REST call did.
package mensajes

import (
	"context"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/services/internal/inbox"
	"entregas/services/internal/pubsub"
	"entregas/services/ordenes/ordenes"
)

// respuesta is the stored answer to a command.
type respuesta = inbox.Respuesta[contracts.DatosEventoOrden]

// Almacen is what the commands ask of the store.
type Almacen interface {
	Crear(ctx context.Context, c inbox.Comando, d contracts.DatosComandoOrden) (respuesta, error)
	Cancelar(ctx context.Context, c inbox.Comando) (respuesta, error)
}

// Recibir answers each command that receptor gets.
func Recibir(receptor *pubsub.Receptor, publicador *pubsub.Publicador, almacen Almacen) {
	pubsub.Recibir(receptor, contracts.ComandosOrden, func(ctx context.Context, m contracts.Mensaje[contracts.DatosComandoOrden]) error {
		r, err := responder(ctx, almacen, m)
		if err != nil {
			return err
		}
		return Publicador(publicador)(ctx, r.Tipo, r.Data)
	})
}

// Publicador puts events on eventos-orden.
func Publicador(p *pubsub.Publicador) ordenes.Publicar {
	return func(ctx context.Context, tipo contracts.Tipo, data contracts.DatosEventoOrden) error {
		return pubsub.Publicar(ctx, p, contracts.EventosOrden, tipo, data.IDCompra, data)
	}
}

func responder(ctx context.Context, almacen Almacen, m contracts.Mensaje[contracts.DatosComandoOrden]) (respuesta, error) {
	if err := ordenes.Validar(m.Type, m.Data); err != nil {
		return respuesta{}, err
	}
	comando, err := inbox.DeMensaje(m, m.Data.IDCompra)
	if err != nil {
		return respuesta{}, err
	}
	switch m.Type {
	case contracts.CrearOrden:
		return almacen.Crear(ctx, comando, m.Data)
	case contracts.CancelarOrden:
		return almacen.Cancelar(ctx, comando)
	default:
		return respuesta{}, errores.Nuevo(errores.MensajeMalo, "ordenes no conoce el comando %q", m.Type)
	}
}
