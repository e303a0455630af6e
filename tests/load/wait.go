package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"entregas/tests/client"
)

// waiter waits until purchases are at rest. One query covers all purchases, so that the load on the machine does not grow with the
// number of purchases in flight.
type waiter struct {
	manager *client.Database
	mu      sync.Mutex
	waiting map[string]chan struct{}
}

const (
	lookEvery = 3 * time.Millisecond
	deadline  = 2 * time.Minute // for one purchase
)

func newWaiter(manager *client.Database) *waiter {
	return &waiter{manager: manager, waiting: map[string]chan struct{}{}}
}

// until returns when the purchase is at rest, or an error after deadline.
func (w *waiter) until(ctx context.Context, id string) error {
	ready := make(chan struct{})
	w.mu.Lock()
	w.waiting[id] = ready
	w.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(deadline):
		return fmt.Errorf("purchase %s is still in progress after %s", id, deadline)
	}
}

// run asks the database every lookEvery until ctx ends.
func (w *waiter) run(ctx context.Context) {
	type row struct{ ID string }
	for ctx.Err() == nil {
		time.Sleep(lookEvery)
		w.mu.Lock()
		ids := make([]string, 0, len(w.waiting))
		for id := range w.waiting {
			ids = append(ids, id)
		}
		w.mu.Unlock()
		if len(ids) == 0 {
			continue
		}
		rows, err := client.Rows[row](ctx, w.manager, `select id from compra where id = any($1)
			and estado in ('CONFIRMADA', 'DESPACHADA', 'RECHAZADA', 'CANCELADA', 'FALLIDA')`, ids)
		if err != nil {
			continue // until has a deadline
		}
		w.mu.Lock()
		for _, f := range rows {
			close(w.waiting[f.ID])
			delete(w.waiting, f.ID)
		}
		w.mu.Unlock()
	}
}
