package inbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Intentos counts failed tries of messages in a table, for pubsub.Receptor: so that a message which always fails is given up
// after the same number of tries whatever restarts in between, and whichever replica has it
// (docs/adr/trouble-is-not-a-bad-message.md).
//
// The table is made by the migrations of the service that owns the database:
//
//	create table intento (
//		registro text primary key,
//		veces    int not null,
//		ultimo   timestamptz not null default now()
//	);
type Intentos struct{ pool *pgxpool.Pool }

// NuevosIntentos counts in the database of pool.
func NuevosIntentos(pool *pgxpool.Pool) Intentos { return Intentos{pool} }

// Contar implements pubsub.Intentos.
func (i Intentos) Contar(ctx context.Context, registro string) (int, error) {
	const contar = `insert into intento (registro, veces) values ($1, 1)
		on conflict (registro) do update set veces = intento.veces + 1, ultimo = now()
		returning veces`
	var veces int
	if err := i.pool.QueryRow(ctx, contar, registro).Scan(&veces); err != nil {
		return 0, fmt.Errorf("contar intentos: %w", err)
	}
	return veces, nil
}

// retencionIntentos is how long the count of tries of a message is kept after the last one: far more than the second between two tries.
const retencionIntentos = 24 * time.Hour
