// Package live streams the changes of purchases to clients, as server-sent events and as GraphQL subscriptions.
package live

import (
	"sync"

	"entregas/contracts"
)

// allQueueSize is how many changes a stream of all purchases may lag behind. Beyond it the stream is ended.
const allQueueSize = 256

// Wakeups wakes the streams of this replica. To a stream of one purchase it says only that the purchase changed: the stream reads
// the read model, which has all changes. To a stream of all purchases it hands each change that comes while the stream listens.
type Wakeups struct {
	mu       sync.Mutex
	byCompra map[string]map[*listener]struct{}
	all      map[chan contracts.Compra]struct{}
}

// listener waits for changes of one purchase.
type listener struct {
	wakeup chan struct{} // of size one: a second wake-up before the first is seen says nothing new
	number int           // the highest number of a change that Wake was called with; guarded by Wakeups.mu
}

// NewWakeups returns Wakeups without listeners.
func NewWakeups() *Wakeups {
	return &Wakeups{byCompra: map[string]map[*listener]struct{}{}, all: map[chan contracts.Compra]struct{}{}}
}

// Wake wakes the streams of the purchase id. number is the number of its newest change.
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

// Tell hands c to the streams of all purchases. It ends a stream that lags too far behind; the client connects again.
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

// listen listens for changes of the purchase id until leave is called.
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

// announced returns the highest number of a change that Wake announced to o.
func (w *Wakeups) announced(o *listener) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return o.number
}

// listenAll listens for changes of all purchases until leave is called. The channel is closed where the listener is too slow.
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
