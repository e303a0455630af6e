package postgrestest

import (
	"context"
	"sync"

	"entregas/contracts"
)

// Testigo is who is told of what happens to purchases: the world, the workflows and the admission. The zero value is ready.
type Testigo struct {
	mu          sync.Mutex
	difundidas  []contracts.Compra
	despertadas []string
	avisos      int
	reconciled  int
}

// Difundir is the diffusion's.
func (t *Testigo) Difundir(c contracts.Compra) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.difundidas = append(t.difundidas, c)
}

// Despertar is the admission's.
func (t *Testigo) Despertar(_ context.Context, idCompra string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.despertadas = append(t.despertadas, idCompra)
}

// Reconcile is the reconciler's.
func (t *Testigo) Reconcile() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reconciled++
}

// Avisar is the admission's.
func (t *Testigo) Avisar() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.avisos++
}

// Visto is what a Testigo was told.
type Visto struct {
	Difundidas  []contracts.Estado // the states, in order
	Despertadas int
	Avisos      int
	Reconciled  int
}

// Olvidar gives what was told since the last call.
func (t *Testigo) Olvidar() Visto {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := Visto{Despertadas: len(t.despertadas), Avisos: t.avisos, Reconciled: t.reconciled}
	for _, c := range t.difundidas {
		v.Difundidas = append(v.Difundidas, c.Estado)
	}
	t.difundidas, t.despertadas, t.avisos, t.reconciled = nil, nil, 0, 0
	return v
}
