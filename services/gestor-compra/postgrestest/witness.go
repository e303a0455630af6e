package postgrestest

import (
	"context"
	"sync"

	"entregas/contracts"
)

// Witness is who is told of what happens to purchases: the world, the workflows and the admission. The zero value is ready.
type Witness struct {
	mu         sync.Mutex
	broadcasts []contracts.Compra
	woken      []string
	wakeups    int
	reconciled int
}

// Broadcast is the diffusion's.
func (t *Witness) Broadcast(c contracts.Compra) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broadcasts = append(t.broadcasts, c)
}

// Wake is the admission's.
func (t *Witness) Wake(_ context.Context, idCompra string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.woken = append(t.woken, idCompra)
}

// Reconcile is the reconciler's.
func (t *Witness) Reconcile() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reconciled++
}

// Notify is the admission's.
func (t *Witness) Notify() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wakeups++
}

// Seen is what a Witness was told.
type Seen struct {
	Broadcasts []contracts.Estado // the states, in order
	Woken      int
	Wakeups    int
	Reconciled int
}

// Forget gives what was told since the last call.
func (t *Witness) Forget() Seen {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := Seen{Woken: len(t.woken), Wakeups: t.wakeups, Reconciled: t.reconciled}
	for _, c := range t.broadcasts {
		v.Broadcasts = append(v.Broadcasts, c.Estado)
	}
	t.broadcasts, t.woken, t.wakeups, t.reconciled = nil, nil, 0, 0
	return v
}
