// Package mensajes answers the commands of comandos-inventario on eventos-inventario. It has no inbox: it changes
// nothing, so each copy of a command is answered from the present stock (docs/adr/stored-replies.md).
package mensajes

import (
	"context"
	"time"

	"entregas/contracts"
	"entregas/services/consolidador/inventario"
	"entregas/services/internal/errores"
	"entregas/services/internal/pubsub"
)

// Existencias is what the commands ask of the store.
type Existencias interface {
	De(ctx context.Context, lineas []contracts.Linea) (map[string]int, error)
}

// Recibir answers each command that receptor gets.
func Recibir(receptor *pubsub.Receptor, publicador *pubsub.Publicador, existencias Existencias) {
	pubsub.Recibir(receptor, contracts.ComandosInventario, func(ctx context.Context, m contracts.Mensaje[contracts.DatosComandoInventario]) error {
		r, err := responder(ctx, existencias, m)
		if err != nil {
			return err
		}
		return pubsub.Publicar(ctx, publicador, contracts.EventosInventario, r.Tipo, m.Data.IDCompra, contracts.DatosEventoInventario{
			IDCompra: m.Data.IDCompra, RespondeA: string(m.Type), Faltantes: r.Faltantes,
		})
	})
}

// plazo bounds the read of the stock: a database that hangs must not hold the replica's few places for messages.
const plazo = 10 * time.Second

func responder(ctx context.Context, existencias Existencias, m contracts.Mensaje[contracts.DatosComandoInventario]) (inventario.Respuesta, error) {
	if err := inventario.ValidarComando(m.Type, m.Data); err != nil {
		return inventario.Respuesta{}, err
	}
	switch m.Type {
	case contracts.ValidarInventario:
		ctx, soltar := context.WithTimeout(ctx, plazo)
		defer soltar()
		hay, err := existencias.De(ctx, m.Data.Productos)
		if err != nil {
			return inventario.Respuesta{}, err
		}
		return inventario.Validar(m.Data.Productos, hay), nil
	case contracts.CancelarValidacionInventario:
		return inventario.CancelarValidacion(), nil
	default:
		return inventario.Respuesta{}, errores.Nuevo(errores.MensajeMalo, "consolidador no conoce el comando %q", m.Type)
	}
}
