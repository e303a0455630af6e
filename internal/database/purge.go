package database

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// DeleteAll repeats a statement that deletes a limited number of rows until it deletes none. So no statement runs long or holds many
// locks.
func DeleteAll(ctx context.Context, pool *pgxpool.Pool, statement string, args ...any) error {
	for {
		done, err := pool.Exec(ctx, statement, args...)
		if err != nil || done.RowsAffected() == 0 {
			return err
		}
	}
}
