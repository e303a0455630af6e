package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"entregas/tests/cliente"
)

// espera tells when purchases are at rest. It asks the database for all of them at once, so that the waiting costs the
// machine next to nothing however many are in flight.
type espera struct {
	gestor *cliente.Base
	mu     sync.Mutex
	quien  map[string]chan struct{}
}

const (
	cadaMirada = 3 * time.Millisecond
	plazo      = 2 * time.Minute // of one purchase
)

func nuevaEspera(gestor *cliente.Base) *espera {
	return &espera{gestor: gestor, quien: map[string]chan struct{}{}}
}

// hasta returns when the purchase is at rest.
func (e *espera) hasta(ctx context.Context, id string) error {
	listo := make(chan struct{})
	e.mu.Lock()
	e.quien[id] = listo
	e.mu.Unlock()
	select {
	case <-listo:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(plazo):
		return fmt.Errorf("la compra %s sigue en curso después de %s", id, plazo)
	}
}

// correr looks until ctx ends.
func (e *espera) correr(ctx context.Context) {
	type fila struct{ ID string }
	for ctx.Err() == nil {
		time.Sleep(cadaMirada)
		e.mu.Lock()
		ids := make([]string, 0, len(e.quien))
		for id := range e.quien {
			ids = append(ids, id)
		}
		e.mu.Unlock()
		if len(ids) == 0 {
			continue
		}
		filas, err := cliente.Filas[fila](ctx, e.gestor, `select id from compra where id = any($1)
			and estado in ('CONFIRMADA', 'DESPACHADA', 'RECHAZADA', 'CANCELADA', 'FALLIDA')`, ids)
		if err != nil {
			continue // a wait has a time limit
		}
		e.mu.Lock()
		for _, f := range filas {
			close(e.quien[f.ID])
			delete(e.quien, f.ID)
		}
		e.mu.Unlock()
	}
}
