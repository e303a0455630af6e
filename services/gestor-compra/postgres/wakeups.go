package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
)

// repliesChannel is the channel of LISTEN and NOTIFY for the keys of steps whose reply was recorded.
const repliesChannel = "replies"

// stepKey returns the key of a step on repliesChannel.
func stepKey(idCompra string, command contracts.MessageType) string {
	return idCompra + "/" + string(command)
}

// Wakeups wakes the activities of this process that wait for a reply, when any replica records it.
type Wakeups struct {
	pool    *pgxpool.Pool
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{}
}

// NewWakeups returns a Wakeups that listens on a connection of pool while Listen runs.
func NewWakeups(pool *pgxpool.Pool) *Wakeups {
	return &Wakeups{pool: pool, waiting: map[string]map[chan struct{}]struct{}{}}
}

// Wait returns a channel that gets a token when the reply to command is recorded. The caller must call the returned function when
// it is done. Call Wait before the command is sent, or the reply may come first.
func (w *Wakeups) Wait(idCompra string, command contracts.MessageType) (<-chan struct{}, func()) {
	key, channel := stepKey(idCompra, command), make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting[key] == nil {
		w.waiting[key] = map[chan struct{}]struct{}{}
	}
	w.waiting[key][channel] = struct{}{}
	return channel, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiting[key], channel)
		if len(w.waiting[key]) == 0 {
			delete(w.waiting, key)
		}
	}
}

// listenAgain is the pause before a replica starts LISTEN for replies again after it lost its connection.
const listenAgain = time.Second

// Listen wakes waiters until ctx ends. It reconnects after a lost connection. A waiter finds a reply that came meanwhile,
// since it also looks for the reply without a wake-up.
func (w *Wakeups) Listen(ctx context.Context) {
	for ctx.Err() == nil {
		if err := w.listenOnOneConnection(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "no notifications of replies", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(listenAgain):
			}
		}
	}
}

func (w *Wakeups) listenOnOneConnection(ctx context.Context) error {
	connection, err := w.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquire a connection: %w", err)
	}
	defer func() { // a connection that listens must not go back to the pool
		_ = connection.Hijack().Close(context.WithoutCancel(ctx))
	}()
	if _, err := connection.Exec(ctx, "listen "+repliesChannel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	for {
		wakeup, err := connection.Conn().WaitForNotification(ctx)
		if err != nil {
			return err
		}
		w.wake(wakeup.Payload)
	}
}

func (w *Wakeups) wake(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for channel := range w.waiting[key] {
		select {
		case channel <- struct{}{}:
		default: // the channel has a token already
		}
	}
}
