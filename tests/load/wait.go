package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"entregas/tests/client"
)

// delay tells when purchases are at rest. It asks the database for all of them at once, so that the waiting costs the
// machine next to nothing however many are in flight.
type delay struct {
	manager *client.Database
	mu      sync.Mutex
	who     map[string]chan struct{}
}

const (
	lookEvery = 3 * time.Millisecond
	deadline  = 2 * time.Minute // of one purchase
)

func newDelay(manager *client.Database) *delay {
	return &delay{manager: manager, who: map[string]chan struct{}{}}
}

// until returns when the purchase is at rest.
func (e *delay) until(ctx context.Context, id string) error {
	ready := make(chan struct{})
	e.mu.Lock()
	e.who[id] = ready
	e.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(deadline):
		return fmt.Errorf("la compra %s sigue en curso después de %s", id, deadline)
	}
}

// run looks until ctx ends.
func (e *delay) run(ctx context.Context) {
	type row struct{ ID string }
	for ctx.Err() == nil {
		time.Sleep(lookEvery)
		e.mu.Lock()
		ids := make([]string, 0, len(e.who))
		for id := range e.who {
			ids = append(ids, id)
		}
		e.mu.Unlock()
		if len(ids) == 0 {
			continue
		}
		rows, err := client.Rows[row](ctx, e.manager, `select id from compra where id = any($1)
			and estado in ('CONFIRMADA', 'DESPACHADA', 'RECHAZADA', 'CANCELADA', 'FALLIDA')`, ids)
		if err != nil {
			continue // a wait has a time limit
		}
		e.mu.Lock()
		for _, f := range rows {
			close(e.who[f.ID])
			delete(e.who, f.ID)
		}
		e.mu.Unlock()
	}
}
