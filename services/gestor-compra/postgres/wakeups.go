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

// canalDeRespuestas carries the keys of questions that were answered.
const repliesChannel = "respuestas"

// claveDePaso is a question's key on canalDeRespuestas.
func stepKey(idCompra string, command contracts.MessageType) string {
	return idCompra + "/" + string(command)
}

// Wakeups wakes the activities that wait in this process when their reply is recorded in any replica.
type Wakeups struct {
	pool    *pgxpool.Pool
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{}
}

// NewWakeups listens on a connection of pool, once Listen runs.
func NewWakeups(pool *pgxpool.Pool) *Wakeups {
	return &Wakeups{pool: pool, waiting: map[string]map[chan struct{}]struct{}{}}
}

// Wait gives a channel that gets a token when the question is answered. Call the second result when done.
// Start to wait before the question is asked, or its reply may come first.
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

// listenAgain is the pause before a replica listens again for replies (LISTEN) after it lost its connection.
const listenAgain = time.Second

// Listen wakes waiters until ctx ends. It reconnects when the database comes back; what was missed meanwhile the waiters
// find by looking themselves.
func (w *Wakeups) Listen(ctx context.Context) {
	for ctx.Err() == nil {
		if err := w.listenOnOneConnection(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "sin avisos de respuestas", "error", err)
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
		return fmt.Errorf("tomar una conexión: %w", err)
	}
	defer func() { // a connection that listens must not go back to the others
		_ = connection.Hijack().Close(context.WithoutCancel(ctx))
	}()
	if _, err := connection.Exec(ctx, "listen "+repliesChannel); err != nil {
		return fmt.Errorf("escuchar: %w", err)
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
		default: // it has one already
		}
	}
}
