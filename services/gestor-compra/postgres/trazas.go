package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/services/gestor-compra/compras"
)

// Traza returns the id of the trace of a purchase, "" when nothing of it is recorded or there is no such purchase.
func (s *Store) Traza(ctx context.Context, idCompra string) (traza string, err error) {
	err = s.pool.QueryRow(ctx, `select case when traza like '%-01' then substr(traza, 4, 32) else '' end from compra where id = $1`, idCompra).Scan(&traza)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("trace of the purchase: %w", err)
	}
	return traza, nil
}

// Requests returns the traceparents of the requests that were made about a purchase: its cancellation, its approval, its dispatch.
func (s *Store) Requests(ctx context.Context, idCompra string) ([]string, error) {
	rows, err := s.pool.Query(ctx, `
select cancelacion_traza from compra where id = $1 and cancelacion_traza <> ''
union select traza from decision where id_compra = $1 and traza <> ''
union select traza from tramite where id_compra = $1 and traza <> ''`, idCompra)
	if err != nil {
		return nil, fmt.Errorf("requests about the purchase: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// oldestAnchor is how old a step of a purchase that changed lately may be whose anchor is sent again.
const oldestAnchor = 24 * time.Hour

// RecentAnchors returns what the anchors of the last purchases and steps are made of: those that began within window of the newest.
func (s *Store) RecentAnchors(ctx context.Context, window time.Duration, limit int) (accepted []compras.Accepted, asked []compras.Asked, err error) {
	var batch pgx.Batch
	batch.Queue(`
select id, codigo, traza, creada_en from compra
where creada_en > (select max(creada_en) from compra) - $1::interval and traza like '%-01' order by creada_en desc limit $2`, window, limit).
		Query(func(rows pgx.Rows) error {
			accepted, err = pgx.CollectRows(rows, pgx.RowToStructByPos[compras.Accepted])
			return err
		})
	batch.Queue(`
select p.id_compra, substr(c.traza, 4, 32), p.comando, p.preguntada_en from paso p join compra c on c.id = p.id_compra
where c.actualizada_en > (select max(actualizada_en) from compra) - $1::interval and p.preguntada_en > now() - $3::interval and c.traza like '%-01'
order by p.preguntada_en desc limit $2`, window, limit, oldestAnchor).
		Query(func(rows pgx.Rows) error {
			asked, err = pgx.CollectRows(rows, pgx.RowToStructByPos[compras.Asked])
			return err
		})
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, nil, fmt.Errorf("read the last purchases and steps: %w", err)
	}
	return accepted, asked, nil
}
