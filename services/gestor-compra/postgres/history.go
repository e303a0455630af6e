package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
)

// MarkPublished marks entries of the history as published on eventos-compra. It returns the entries that were not marked before: each
// entry is returned once, whatever is published again.
func (s *Store) MarkPublished(ctx context.Context, p []compras.Published) ([]compras.Published, error) {
	ids, until := make([]string, len(p)), make([]int, len(p))
	for i, one := range p {
		ids[i], until[i] = one.IDCompra, one.Until
	}
	rows, err := s.pool.Query(ctx, `
update historia h set published = true
from unnest($1::text[], $2::int[]) as p (id, hasta)
where h.id_compra = p.id and h.numero <= p.hasta and not h.published
returning h.id_compra, h.numero`, ids, until)
	if err != nil {
		return nil, fmt.Errorf("mark the published history: %w", err)
	}
	marked, err := pgx.CollectRows(rows, pgx.RowToStructByPos[compras.Published])
	if err != nil {
		return nil, fmt.Errorf("mark the published history: %w", err)
	}
	return marked, nil
}

// Unpublished returns at most limit purchases with an entry in their history that is older than age and not published yet.
func (s *Store) Unpublished(ctx context.Context, age time.Duration, limit int) ([]contracts.Compra, error) {
	rows, err := s.pool.Query(ctx, view+`
where c.id in (select id_compra from historia where not published and en < now() - $1::interval order by en limit $2)`, age, limit)
	if err != nil {
		return nil, fmt.Errorf("read the unpublished history: %w", err)
	}
	return pgx.CollectRows(rows, loadView)
}
