package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Codigos returns the codes of the purchases with these ids, by their ids. It leaves out ids that no purchase has.
func (s *Store) Codigos(ctx context.Context, ids []string) (map[string]string, error) {
	codes := make(map[string]string, len(ids))
	rows, err := s.pool.Query(ctx, `select id, codigo from compra where id = any($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read the codes of purchases: %w", err)
	}
	var id, codigo string
	if _, err := pgx.ForEachRow(rows, []any{&id, &codigo}, func() error { codes[id] = codigo; return nil }); err != nil {
		return nil, fmt.Errorf("read the codes of purchases: %w", err)
	}
	return codes, nil
}
