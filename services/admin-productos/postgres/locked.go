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

// lookAgain is how long a product whose row was found locked is left alone: as long as the broker waits to deliver again.
const lookAgain = waits.Redelivery

// lockedRows are the products whose row somebody else holds, for longer than a purchase does. A command for one of them gives
// its handler back at once: the first one waits for the row (lock_timeout), those after it do not, so that however many of
// them there are, the commands for other products go on (docs/adr/bounded-waits.md).
type lockedRows struct {
	pool *pgxpool.Pool
	mu   sync.Mutex
	seen map[string]time.Time // when it was last found locked
}

// unless does what locks the rows of these products, unless one of them is held by somebody else: then it is Unavailable.
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

// suspects gives those of ids that were found locked; recent tells that it is too soon to look again.
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

// lookTimeout is how long a look at one row waits for its lock: longer than a purchase holds it.
//
//settings:wait
const lookTimeout = "100ms"

// look tries each row by itself, for longer than a purchase holds one.
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

// timedOut tells that a lock was not had in time.
func timedOut(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}
