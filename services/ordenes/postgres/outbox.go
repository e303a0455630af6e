package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/logging"
	"entregas/internal/telemetry"
	"entregas/services/ordenes/ordenes"
)

// tellAgainAfter is how long after its publication an event is published a second time. A broker may lose a message that it
// acknowledged (docs/adr/told-twice.md).
const tellAgainAfter = time.Minute

// Broadcast publishes the events of a purchase that have not been published yet.
func (s *Store) Broadcast(ctx context.Context, idCompra string, publish ordenes.Publish) error {
	const own = `select id, tipo, data, traceparent, false from outbox where id_compra = $1 and tell_again_at is null order by id for update skip locked`
	_, err := s.broadcast(ctx, publish, own, idCompra)
	return err
}

// grace is the age below which the sweep ignores an event, since the request that stored it is about to publish it.
const grace = 5 * time.Second

// Sweep publishes every event that is due: those that Broadcast could not publish, and each one a second time.
func (s *Store) Sweep(ctx context.Context, publish ordenes.Publish) error {
	const old = `select id, tipo, data, traceparent, tell_again_at is not null from outbox
		where coalesce(tell_again_at, created_at + $1::interval) < now() order by id limit 20 for update skip locked`
	for {
		if n, err := s.broadcast(ctx, publish, old, grace); err != nil || n == 0 {
			return err
		}
	}
}

// event is a row of the outbox.
type event struct {
	ID        int64
	Tipo      contracts.MessageType
	Data      contracts.DatosEventoOrden
	Trace     string
	Published bool // the event was published once
}

// broadcast publishes the rows of query, whose argument is arg, and returns their number. After its first publication a row
// stays until tellAgainAfter; after its second it is deleted. The rows are locked meanwhile, so that replicas do not publish
// the same row. A replica that dies in between leaves the rows unchanged and their events are published once more, which
// idempotent readers allow.
func (s *Store) broadcast(ctx context.Context, publish ordenes.Publish, query string, arg any) (int, error) {
	var events []event
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, query, arg)
		if err != nil {
			return err
		}
		if events, err = pgx.CollectRows(rows, pgx.RowToStructByPos[event]); err != nil {
			return err
		}
		for _, e := range events {
			if err := publish(logging.WithCompra(telemetry.Under(ctx, e.Trace), e.Data.IDCompra), e.Tipo, e.Data); err != nil {
				return err
			}
			if err := markPublished(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	return len(events), err
}

func markPublished(ctx context.Context, tx pgx.Tx, e event) (err error) {
	if e.Published {
		_, err = tx.Exec(ctx, `delete from outbox where id = $1`, e.ID)
	} else {
		_, err = tx.Exec(ctx, `update outbox set tell_again_at = now() + $2::interval where id = $1`, e.ID, tellAgainAfter)
	}
	return err
}
