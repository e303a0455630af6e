// Package mensajes receives what gestor-compra tells of purchases.
package mensajes

import (
	"context"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/vivo"
	"entregas/services/internal/errores"
	"entregas/services/internal/pubsub"
)

type evento = contracts.Mensaje[contracts.DatosEventoCompra]

// Recibir adds the two subscriptions of docs/adr/the-history-is-the-outbox.md. One replica writes the read model; each wakes
// its own streams.
func Recibir(r *pubsub.Receptor, nucleo *compras.Servicio, avisos *vivo.Avisos) {
	pubsub.Recibir(r, contracts.EventosCompra, func(ctx context.Context, m evento) error {
		if err := comprobar(m); err != nil {
			return err
		}
		if err := nucleo.Registrar(ctx, m.Data.Compra()); err != nil {
			return err
		}
		avisos.Cambio(m.Data.IDCompra, m.Data.Numero) // this replica's streams need not wait for their own copy
		return nil
	})
	pubsub.RecibirEn(r, "/vivo/eventos-compra", contracts.EventosCompra, func(_ context.Context, m evento) error {
		if comprobar(m) != nil {
			return nil // the other subscription makes a dead letter of it, once
		}
		avisos.Cambio(m.Data.IDCompra, m.Data.Numero)
		avisos.Contar(m.Data.Compra())
		return nil
	})
}

// comprobar refuses a record that makes no sense: with it the read model would tell nonsense until the next one.
func comprobar(m evento) error {
	if m.Type != contracts.CompraActualizada {
		return errores.Nuevo(errores.MensajeMalo, "en %s no hay mensajes %q", contracts.EventosCompra, m.Type)
	}
	return m.Data.Validar()
}
