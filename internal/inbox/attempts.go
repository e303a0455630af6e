package inbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Intentos counts failed tries of messages in a table, for pubsub.Receiver: so that a message which always fails is given up
// after the same number of tries whatever restarts in between, and whichever replica has it
// (docs/adr/trouble-is-not-a-bad-message.md).
//
// The table is made by the migrations of the service that owns the database:
//
//	create table attempt (
//		record text primary key,
//		times    int not null,
//		last   timestamptz not null default now()
//	);
type Attempts struct{ pool *pgxpool.Pool }

// NewAttempts counts in the database of pool.
func NewAttempts(pool *pgxpool.Pool) Attempts { return Attempts{pool} }

// Count implements pubsub.Intentos.
func (i Attempts) Count(ctx context.Context, record string) (int, error) {
	const tell = `insert into intento (registro, veces) values ($1, 1)
		on conflict (registro) do update set veces = intento.veces + 1, ultimo = now()
		returning veces`
	var times int
	if err := i.pool.QueryRow(ctx, tell, record).Scan(&times); err != nil {
		return 0, fmt.Errorf("contar intentos: %w", err)
	}
	return times, nil
}

// attemptsRetention is how long the count of tries of a message is kept after the last one: far more than the second between two tries.
const attemptsRetention = 24 * time.Hour
