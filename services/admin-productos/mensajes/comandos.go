// Package mensajes answers the commands of comandos-producto on eventos-productos, each copy of a command alike
// (docs/adr/stored-replies.md).
package mensajes

import (
	"context"

	"entregas/contracts"
	"entregas/services/admin-productos/productos"
	"entregas/services/internal/errores"
	"entregas/services/internal/inbox"
	"entregas/services/internal/pubsub"
)

// respuesta is the stored answer to a command.
type respuesta = inbox.Respuesta[contracts.DatosEventoProductos]

// Almacen is what the commands ask of the store.
type Almacen interface {
	Guardada(ctx context.Context, c inbox.Comando) (r respuesta, hay bool, err error)
	Reservar(ctx context.Context, c inbox.Comando, lineas []contracts.Linea) (respuesta, error)
	Liberar(ctx context.Context, c inbox.Comando, lineas []contracts.Linea) (respuesta, error)
	Despachar(ctx context.Context, c inbox.Comando, lineas []contracts.Linea) (respuesta, error)
}

// Recibir answers each command that receptor gets.
func Recibir(receptor *pubsub.Receptor, publicador *pubsub.Publicador, almacen Almacen, ritmo *Ritmo) {
	c := comandos{almacen, ritmo}
	pubsub.Recibir(receptor, contracts.ComandosProducto, func(ctx context.Context, m contracts.Mensaje[contracts.DatosComandoProducto]) error {
		r, err := c.responder(ctx, m)
		if err != nil {
			return err
		}
		return pubsub.Publicar(ctx, publicador, contracts.EventosProductos, r.Tipo, m.Data.IDCompra, r.Data)
	})
}

type comandos struct {
	almacen Almacen
	ritmo   *Ritmo
}

func (c comandos) responder(ctx context.Context, m contracts.Mensaje[contracts.DatosComandoProducto]) (respuesta, error) {
	if err := productos.Validar(m.Type, m.Data); err != nil {
		return respuesta{}, err
	}
	comando, err := inbox.DeMensaje(m, m.Data.IDCompra)
	if err != nil {
		return respuesta{}, err
	}
	switch m.Type {
	case contracts.ReservarProducto:
		return c.reservar(ctx, comando, m.Data.Productos)
	case contracts.LiberarReserva:
		return c.almacen.Liberar(ctx, comando, m.Data.Productos)
	case contracts.DespacharReserva:
		return c.almacen.Despachar(ctx, comando, m.Data.Productos)
	default:
		return respuesta{}, errores.Nuevo(errores.MensajeMalo, "admin-productos no conoce el comando %q", m.Type)
	}
}

// reservar is slowed by ritmo, but not where the answer is known: a redelivery is answered at once (docs/adr/stored-replies.md).
func (c comandos) reservar(ctx context.Context, comando inbox.Comando, lineas []contracts.Linea) (respuesta, error) {
	if c.ritmo.Libre() {
		return c.almacen.Reservar(ctx, comando, lineas)
	}
	if guardada, hay, err := c.almacen.Guardada(ctx, comando); err != nil || hay {
		return guardada, err
	}
	salir, err := c.ritmo.Entrar(ctx)
	if err != nil {
		return respuesta{}, err
	}
	defer salir()
	return c.almacen.Reservar(ctx, comando, lineas)
}
