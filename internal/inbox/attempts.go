package inbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Attempts implements pubsub.Attempts: it counts the failed attempts to handle a message in a table. So a message that always
// fails is given up after the same number of attempts, across restarts and replicas
// (docs/adr/trouble-is-not-a-bad-message.md).
//
// The migrations of the service that owns the database create the table:
//
//	create table attempt (
//		record_id text primary key,
//		tries     int not null,
//		last_at   timestamptz not null default now()
//	);
type Attempts struct{ pool *pgxpool.Pool }

// NewAttempts returns an Attempts on the database of pool.
func NewAttempts(pool *pgxpool.Pool) Attempts { return Attempts{pool} }

// Count implements pubsub.Attempts.
func (a Attempts) Count(ctx context.Context, record string) (int, error) {
	const count = `insert into attempt (record_id, tries) values ($1, 1)
		on conflict (record_id) do update set tries = attempt.tries + 1, last_at = now()
		returning tries`
	var times int
	if err := a.pool.QueryRow(ctx, count, record).Scan(&times); err != nil {
		return 0, fmt.Errorf("count attempts: %w", err)
	}
	return times, nil
}

// attemptsRetention is how long the count of attempts of a message is kept after its last attempt.
const attemptsRetention = 24 * time.Hour
