package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/inbox"
)

// ListReservas returns the ids of purchases that have had units reserved for longer than age: at most limit ids, in order,
// from the one that follows after.
func (s *Store) ListReservas(ctx context.Context, age time.Duration, after string, limit int) ([]string, error) {
	rows, err := s.pool.Query(ctx, `select id_compra from reserva where id_compra > $2
		group by id_compra having max(creada_en) < now() - $1::interval order by id_compra limit $3`, age, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list reservations: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// The values of column done in table finding.
const (
	doneReleased = "released" // the units are on the shelf again
	doneTold     = "told"     // only recorded, since units of the purchase were released earlier
)

// Release puts the units that are reserved for a purchase back on the shelf, because the purchase ended without them. It
// records the finding with the state of the purchase; estado is empty when the purchase does not exist. The ledger allows one
// release for each purchase and product, so units of a purchase that was released before stay reserved and are only recorded.
func (s *Store) Release(ctx context.Context, idCompra string, estado contracts.Estado) (released bool, err error) {
	const (
		releasedOnce = `select exists (select from movimiento where id_compra = $1 and tipo = 'LIBERACION')`
		record       = `insert into finding (id_compra, what, estado, done) values ($1, 'reserved', $2, $3) on conflict do nothing`
		tombstone    = `insert into inbox (id_compra, tipo, fingerprint, reply) values ($1, 'LiberarReserva', 'reconciler',
			jsonb_build_object('tipo', 'ReservaLiberada', 'data', jsonb_build_object('id_compra', $1::text, 'responde_a', 'LiberarReserva',
				'faltantes', '[]'::jsonb, 'motivo', '')))
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
		batch.Queue(tombstone, idCompra) // so that a late ReservarProducto reserves nothing
		batch.Queue(record, idCompra, estado, doneReleased)
		return tx.SendBatch(ctx, &batch).Close()
	})
	return released, err
}
