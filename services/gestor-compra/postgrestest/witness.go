package postgrestest

import (
	"context"
	"sync"

	"entregas/contracts"
)

// Witness counts the notifications about purchases: it stands in for the broadcaster, the waker, the reconciler and the
// admission. The zero value is ready.
type Witness struct {
	mu         sync.Mutex
	broadcasts []contracts.Compra
	woken      []string
	wakeups    int
	reconciled int
}

// Broadcast implements intake.Broadcaster: it records the purchase.
func (t *Witness) Broadcast(c contracts.Compra) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broadcasts = append(t.broadcasts, c)
}

// Wake implements intake.Waker: it records the id of the purchase.
func (t *Witness) Wake(_ context.Context, idCompra string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.woken = append(t.woken, idCompra)
}

// Reconcile stands in for Reconciler.Tell.
func (t *Witness) Reconcile() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reconciled++
}

// Notify stands in for Admission.Notify.
func (t *Witness) Notify() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wakeups++
}

// Seen has the notifications that a Witness got.
type Seen struct {
	Broadcasts []contracts.Estado // the states, in order
	Woken      int
	Wakeups    int
	Reconciled int
}

// Forget returns the notifications since the last call of Forget, and clears them.
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
