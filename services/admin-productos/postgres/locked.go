package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/internal/errs"
	"entregas/internal/waits"
)

// lookAgain is the pause before a product whose row was found locked is checked again.
const lookAgain = waits.Redelivery

// lockedRows remembers the products whose row another transaction has locked for longer than a purchase does. The first
// command for such a product waits for the row (lock_timeout); later commands for it fail at once. So commands for other
// products go on, whatever the number of commands for the locked products (docs/adr/bounded-waits.md).
type lockedRows struct {
	pool *pgxpool.Pool
	mu   sync.Mutex
	seen map[string]time.Time // when the row of the product was last found locked
}

// unless calls do, which locks the rows of the products ids. If another transaction still has one of those rows, unless
// returns Unavailable instead.
func (l *lockedRows) unless(ctx context.Context, ids []string, do func() error) error {
	suspects, recent := l.suspects(ids)
	if !recent && len(suspects) > 0 {
		var err error
		if recent, err = l.look(ctx, suspects); err != nil {
			return err
		}
	}
	if recent {
		return errs.New(errs.Unavailable, "la fila de un producto está bloqueada desde fuera: %s", strings.Join(suspects, ", "))
	}
	err := do()
	if timedOut(err) {
		_, lookErr := l.look(context.WithoutCancel(ctx), ids)
		return errors.Join(err, lookErr)
	}
	return err
}

// suspects returns those of ids whose row was found locked. recent tells that one of these rows was found locked within
// lookAgain.
func (l *lockedRows) suspects(ids []string) (suspects []string, recent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if at, found := l.seen[id]; found {
			suspects, recent = append(suspects, id), recent || time.Since(at) < lookAgain
		}
	}
	return suspects, recent
}

// lookTimeout is how long the check of one row waits for the lock of the row. It is longer than a purchase holds the lock.
//
//settings:wait
const lookTimeout = "100ms"

// look tries to lock each row by itself, and records which of them are locked.
func (l *lockedRows) look(ctx context.Context, ids []string) (locked bool, err error) {
	for _, id := range ids {
		var batch pgx.Batch
		batch.Queue(`select set_config('lock_timeout', $1, true)`, lookTimeout)
		batch.Queue(`select from producto where id = $1 for no key update`, id)
		err := l.pool.SendBatch(ctx, &batch).Close() // one transaction
		held := timedOut(err)
		if err != nil && !held {
			return locked, err
		}
		l.mu.Lock()
		if held {
			l.seen[id], locked = time.Now(), true
		} else {
			delete(l.seen, id)
		}
		l.mu.Unlock()
	}
	return locked, nil
}

// timedOut tells whether err is a lock timeout of PostgreSQL.
func timedOut(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}
