package access

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"entregas/bff/identity"
	"entregas/contracts"
)

// Pendientes counts what waits for an operator, for operators. A count is missing where its owner does not answer.
func (g Gate) Pendientes(ctx context.Context) (contracts.PendientesDeOperacion, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.PendientesDeOperacion{}, err
	}
	return g.Counts.read(ctx), nil
}

const (
	// countEvery is how long a count is answered again without asking its owner: each open page of an operator polls the counts.
	countEvery = 2 * time.Second
	// countDeadLettersEvery is countEvery for the dead letters, since monitor answers a long report.
	countDeadLettersEvery = 10 * time.Second
	// countPatience bounds the wait for a count. A badge that is late is better than a page that waits for it.
	countPatience = 2 * time.Second
)

// Counts keeps the counts of what waits for operators for a few seconds.
type Counts struct {
	purchases kept[contracts.PendientesDeOperacion]
	orders    kept[int]
	letters   kept[int]
}

// NewCounts returns a Counts that asks the owners.
func NewCounts(desk Desk, warehouse Ordenes, monitor Monitor) *Counts {
	return &Counts{
		purchases: kept[contracts.PendientesDeOperacion]{name: "purchases", every: countEvery, count: desk.Pendientes},
		orders: kept[int]{name: "orders", every: countEvery, count: func(ctx context.Context) (int, error) {
			page, err := warehouse.List(ctx, contracts.OrdenesFilter{Estado: contracts.EstadoOrdenCreada}, 1, "")
			return page.Total, err
		}},
		letters: kept[int]{name: "dead letters", every: countDeadLettersEvery, count: monitor.CountDeadLetters},
	}
}

// read returns the counts, and asks for those that are too old at the same time.
func (c *Counts) read(ctx context.Context) contracts.PendientesDeOperacion {
	ctx, cancel := context.WithTimeout(ctx, countPatience)
	defer cancel()
	var p contracts.PendientesDeOperacion
	var purchases *contracts.PendientesDeOperacion
	var group sync.WaitGroup
	group.Go(func() { purchases = c.purchases.read(ctx) })
	group.Go(func() { p.PorDespachar = c.orders.read(ctx) })
	group.Go(func() { p.MensajesMuertos = c.letters.read(ctx) })
	group.Wait()
	if purchases != nil {
		p.PorAprobar, p.Fallidas = purchases.PorAprobar, purchases.Fallidas
	}
	return p
}

// kept is a count with the time of its last answer. Of requests that come at once, one asks the owner and the others wait for it.
type kept[T any] struct {
	name  string
	every time.Duration
	count func(ctx context.Context) (T, error)
	mu    sync.Mutex
	at    time.Time
	value *T // nil where the owner did not answer
}

func (k *kept[T]) read(ctx context.Context) *T {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.at) < k.every {
		return k.value
	}
	value, err := k.count(ctx)
	if k.value = &value; err != nil {
		k.value = nil
		slog.DebugContext(ctx, "a count for the operators is missing", "count", k.name, "error", err)
	}
	if ctx.Err() == nil || k.value != nil { // a client that left says nothing about the owner
		k.at = time.Now()
	}
	return k.value
}
