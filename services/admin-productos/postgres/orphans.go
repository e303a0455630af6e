package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/inbox"
)

// ListReservas gives purchases with units reserved for longer than age, in the order of their ids, after one of them.
func (s *Store) ListReservas(ctx context.Context, age time.Duration, after string, limit int) ([]string, error) {
	rows, err := s.pool.Query(ctx, `select id_compra from reserva where id_compra > $2
		group by id_compra having max(creada_en) < now() - $1::interval order by id_compra limit $3`, age, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reservadas: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// What was done about a finding, as it is stored: the units were released, or it was only told, because they had been released once
// already.
const (
	doneReleased = "released"
	doneTold     = "told"
)

// Release puts back on the shelf what is reserved for a purchase that ended otherwise, and keeps that it was found, with
// the purchase's estado: empty where nobody knows the purchase. What was released once already cannot be released again: the ledger has one release a purchase and product, so that is only told.
func (s *Store) Release(ctx context.Context, idCompra string, estado contracts.Estado) (released bool, err error) {
	const (
		releasedOnce = `select exists (select from movimiento where id_compra = $1 and tipo = 'LIBERACION')`
		record       = `insert into finding (id_compra, what, estado, done) values ($1, 'reserved', $2, $3) on conflict do nothing`
		tombstone    = `insert into inbox (id_compra, tipo, fingerprint, reply) values ($1, 'LiberarReserva', 'reconciler',
			jsonb_build_object('tipo', 'ReservaLiberada', 'data', jsonb_build_object('id_compra', $1::text, 'responde_a', 'LiberarReserva')))
			on conflict do nothing`
	)
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := inbox.Lock(ctx, tx, idCompra); err != nil {
			return err
		}
		var before bool
		if err := tx.QueryRow(ctx, releasedOnce, idCompra).Scan(&before); err != nil {
			return err
		}
		if released = !before; !released {
			_, err := tx.Exec(ctx, record, idCompra, estado, doneTold)
			return err
		}
		var batch pgx.Batch
		batch.Queue(lockRows, idCompra)
		batch.Queue(putBack, idCompra)
		batch.Queue(tombstone, idCompra) // a late ReservarProducto reserves nothing
		batch.Queue(record, idCompra, estado, doneReleased)
		return tx.SendBatch(ctx, &batch).Close()
	})
	return released, err
}
