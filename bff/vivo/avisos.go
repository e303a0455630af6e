// Package vivo tells people what happens while it happens: server-sent events of one purchase and of all.
package vivo

import (
	"sync"

	"entregas/contracts"
)

// colaDeTodas is how many changes a stream of all purchases may be behind before it is cut off.
const colaDeTodas = 256

// Avisos wakes this process's streams. It says that a purchase changed, not how: a stream of one purchase reads that from the
// read model, which loses nothing. A stream of all purchases gets what is told while it listens.
type Avisos struct {
	mu     sync.Mutex
	de     map[string]map[*oyente]struct{}
	detras map[chan contracts.Compra]struct{}
}

// oyente waits for changes of one purchase.
type oyente struct {
	despierta chan struct{} // has one place: a second wake-up before the first is seen says nothing new
	numero    int           // the highest number that was told; under Avisos.mu
}

// NuevosAvisos wakes nobody yet.
func NuevosAvisos() *Avisos {
	return &Avisos{de: map[string]map[*oyente]struct{}{}, detras: map[chan contracts.Compra]struct{}{}}
}

// Cambio wakes the streams of the purchase id: it is at number numero now.
func (a *Avisos) Cambio(id string, numero int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for o := range a.de[id] {
		o.numero = max(o.numero, numero)
		select {
		case o.despierta <- struct{}{}:
		default:
		}
	}
}

// Contar gives c to the streams of all purchases. One that is too slow is ended: its client comes back.
func (a *Avisos) Contar(c contracts.Compra) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for cola := range a.detras {
		select {
		case cola <- c:
		default:
			delete(a.detras, cola)
			close(cola)
		}
	}
}

// oir listens for changes of id until dejar is called.
func (a *Avisos) oir(id string) (o *oyente, dejar func()) {
	o = &oyente{despierta: make(chan struct{}, 1)}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.de[id] == nil {
		a.de[id] = map[*oyente]struct{}{}
	}
	a.de[id][o] = struct{}{}
	return o, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.de[id], o)
		if len(a.de[id]) == 0 {
			delete(a.de, id)
		}
	}
}

// anunciado is the highest number that o was told.
func (a *Avisos) anunciado(o *oyente) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return o.numero
}

// oirTodas listens for changes of all purchases until dejar is called. The channel is closed for one that is too slow.
func (a *Avisos) oirTodas() (cola chan contracts.Compra, dejar func()) {
	cola = make(chan contracts.Compra, colaDeTodas)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.detras[cola] = struct{}{}
	return cola, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.detras, cola)
	}
}
