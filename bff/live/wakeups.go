// Package live tells people what happens while it happens: server-sent events of one purchase and of all.
package live

import (
	"sync"

	"entregas/contracts"
)

// allQueueSize is how many changes a stream of all purchases may be behind before it is cut off.
const allQueueSize = 256

// Wakeups wakes this process's streams. It says that a purchase changed, not how: a stream of one purchase reads that from the
// read model, which loses nothing. A stream of all purchases gets what is told while it listens.
type Wakeups struct {
	mu       sync.Mutex
	byCompra map[string]map[*listener]struct{}
	all      map[chan contracts.Compra]struct{}
}

// listener waits for changes of one purchase.
type listener struct {
	wakeup chan struct{} // has one place: a second wake-up before the first is seen says nothing new
	number int           // the highest number that was told; under Wakeups.mu
}

// NewWakeups wakes nobody yet.
func NewWakeups() *Wakeups {
	return &Wakeups{byCompra: map[string]map[*listener]struct{}{}, all: map[chan contracts.Compra]struct{}{}}
}

// Cambio wakes the streams of the purchase id: it is at number number now.
func (w *Wakeups) Wake(id string, number int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for o := range w.byCompra[id] {
		o.number = max(o.number, number)
		select {
		case o.wakeup <- struct{}{}:
		default:
		}
	}
}

// Count gives c to the streams of all purchases. One that is too slow is ended: its client comes back.
func (w *Wakeups) Tell(c contracts.Compra) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for queue := range w.all {
		select {
		case queue <- c:
		default:
			delete(w.all, queue)
			close(queue)
		}
	}
}

// oir listens for changes of id until leave is called.
func (w *Wakeups) listen(id string) (o *listener, leave func()) {
	o = &listener{wakeup: make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byCompra[id] == nil {
		w.byCompra[id] = map[*listener]struct{}{}
	}
	w.byCompra[id][o] = struct{}{}
	return o, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.byCompra[id], o)
		if len(w.byCompra[id]) == 0 {
			delete(w.byCompra, id)
		}
	}
}

// announced is the highest number that o was told.
func (w *Wakeups) announced(o *listener) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return o.number
}

// listenAll listens for changes of all purchases until leave is called. The channel is closed for one that is too slow.
func (w *Wakeups) listenAll() (queue chan contracts.Compra, leave func()) {
	queue = make(chan contracts.Compra, allQueueSize)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all[queue] = struct{}{}
	return queue, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, queue)
	}
}
