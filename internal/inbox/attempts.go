package inbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Attempts counts the failed tries of each message in a table, for pubsub.Receiver. So a message that always fails is given up after the
// same number of tries, whatever restarts in between, and whichever replica has it (docs/adr/trouble-is-not-a-bad-message.md).
//
// The service that owns the database creates the table:
//
//	create table attempt (
//		record_id text primary key,
//		tries     int not null,
//		last_at   timestamptz not null default now()
//	);
type Attempts struct{ pool *pgxpool.Pool }

// NewAttempts counts in the database of pool.
func NewAttempts(pool *pgxpool.Pool) Attempts { return Attempts{pool} }

// Count implements pubsub.Attempts.
func (i Attempts) Count(ctx context.Context, record string) (int, error) {
	const tell = `insert into attempt (record_id, tries) values ($1, 1)
		on conflict (record_id) do update set tries = attempt.tries + 1, last_at = now()
		returning tries`
	var times int
	if err := i.pool.QueryRow(ctx, tell, record).Scan(&times); err != nil {
		return 0, fmt.Errorf("contar intentos: %w", err)
	}
	return times, nil
}

// attemptsRetention is how long the count of tries of a message is kept after the last one: far more than the second between two tries.
const attemptsRetention = 24 * time.Hour
