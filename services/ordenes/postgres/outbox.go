package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/logging"
	"entregas/services/ordenes/ordenes"
)

// tellAgainAfter is the age at which a published event is published once more: a broker may lose what it took (docs/adr/told-twice.md).
const tellAgainAfter = time.Minute

// Broadcast publishes a purchase's events that were never told.
func (s *Store) Broadcast(ctx context.Context, idCompra string, publish ordenes.Publish) error {
	const own = `select id, tipo, data, traceparent, false from outbox where id_compra = $1 and tell_again_at is null order by id for update skip locked`
	_, err := s.broadcast(ctx, publish, own, idCompra)
	return err
}

// grace is the age below which the sweep leaves an event to the request that wrote it and is about to publish it.
const grace = 5 * time.Second

// Sweep publishes every event whose time has come: what Broadcast could not do, and each one a second time.
func (s *Store) Sweep(ctx context.Context, publish ordenes.Publish) error {
	const old = `select id, tipo, data, traceparent, tell_again_at is not null from outbox
		where coalesce(tell_again_at, created_at + $1::interval) < now() order by id limit 20 for update skip locked`
	for {
		if n, err := s.broadcast(ctx, publish, old, grace); err != nil || n == 0 {
			return err
		}
	}
}

type wakeup struct {
	ID    int64
	Tipo  contracts.MessageType
	Data  contracts.DatosEventoOrden
	Trace string
	Told  bool // once already
}

// broadcast publishes the rows of query. One that is told for the first time stays until tellAgainAfter, one that is told
// again is forgotten. It holds them while it does, so replicas do not repeat each other; one that dies in between leaves them
// as they were, and the event comes once more: its readers are idempotent.
func (s *Store) broadcast(ctx context.Context, publish ordenes.Publish, query string, of any) (int, error) {
	var wakeups []wakeup
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, query, of)
		if err != nil {
			return err
		}
		if wakeups, err = pgx.CollectRows(rows, pgx.RowToStructByPos[wakeup]); err != nil {
			return err
		}
		for _, v := range wakeups {
			if err := publish(logging.WithCompra(logging.WithTrace(ctx, v.Trace), v.Data.IDCompra), v.Tipo, v.Data); err != nil {
				return err
			}
			if err := told(ctx, tx, v); err != nil {
				return err
			}
		}
		return nil
	})
	return len(wakeups), err
}

func told(ctx context.Context, tx pgx.Tx, v wakeup) (err error) {
	if v.Told {
		_, err = tx.Exec(ctx, `delete from outbox where id = $1`, v.ID)
	} else {
		_, err = tx.Exec(ctx, `update outbox set tell_again_at = now() + $2::interval where id = $1`, v.ID, tellAgainAfter)
	}
	return err
}
