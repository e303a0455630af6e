package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/services/internal/inbox"
)

// Reservadas gives purchases with units reserved for longer than edad, in the order of their ids, after one of them.
func (a *Almacen) Reservadas(ctx context.Context, edad time.Duration, despues string, limite int) ([]string, error) {
	filas, err := a.pool.Query(ctx, `select id_compra from reserva where id_compra > $2
		group by id_compra having max(creada_en) < now() - $1::interval order by id_compra limit $3`, edad, despues, limite)
	if err != nil {
		return nil, fmt.Errorf("reservadas: %w", err)
	}
	return pgx.CollectRows(filas, pgx.RowTo[string])
}

// Soltar puts back on the shelf what is reserved for a purchase that ended otherwise, and keeps that it was found. What was
// released once already cannot be released again: the ledger has one release a purchase and product, so that is only told.
func (a *Almacen) Soltar(ctx context.Context, idCompra, que string) (soltada bool, err error) {
	const (
		liberadaAntes = `select exists (select from movimiento where id_compra = $1 and tipo = 'LIBERACION')`
		anotar        = `insert into hallazgo (id_compra, que, hecho) values ($1, $2, $3) on conflict do nothing`
		lapida        = `insert into inbox (id_compra, tipo, huella, respuesta) values ($1, 'LiberarReserva', 'reconciliador',
			jsonb_build_object('tipo', 'ReservaLiberada', 'data', jsonb_build_object('id_compra', $1::text, 'responde_a', 'LiberarReserva')))
			on conflict do nothing`
	)
	err = pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		if err := inbox.Bloquear(ctx, tx, idCompra); err != nil {
			return err
		}
		var liberada bool
		if err := tx.QueryRow(ctx, liberadaAntes, idCompra).Scan(&liberada); err != nil {
			return err
		}
		if soltada = !liberada; !soltada {
			_, err := tx.Exec(ctx, anotar, idCompra, que, "informado: ya se había liberado una vez")
			return err
		}
		var lote pgx.Batch
		lote.Queue(bloquear, idCompra)
		lote.Queue(devolver, idCompra)
		lote.Queue(lapida, idCompra) // a late ReservarProducto reserves nothing
		lote.Queue(anotar, idCompra, que, "liberada")
		return tx.SendBatch(ctx, &lote).Close()
	})
	return soltada, err
}
