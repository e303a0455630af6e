package postgres

import (
	"context"

	"entregas/contracts"
	"entregas/internal/audit"
)

// Actos returns at most limit acts that f selects and that come after the cursor, newest first.
func (s *Store) Actos(ctx context.Context, f contracts.ActosFilter, after contracts.Cursor, limit int) ([]contracts.Acto, error) {
	return audit.List(ctx, s.pool, f, after, limit)
}
