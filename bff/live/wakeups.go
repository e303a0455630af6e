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
	mu     sync.Mutex
	of     map[string]map[*listener]struct{}
	behind map[chan contracts.Compra]struct{}
}

// listener waits for changes of one purchase.
type listener struct {
	wakeup chan struct{} // has one place: a second wake-up before the first is seen says nothing new
	number int           // the highest number that was told; under Wakeups.mu
}

// NewWakeups wakes nobody yet.
func NewWakeups() *Wakeups {
	return &Wakeups{of: map[string]map[*listener]struct{}{}, behind: map[chan contracts.Compra]struct{}{}}
}

// Cambio wakes the streams of the purchase id: it is at number number now.
func (a *Wakeups) Cambio(id string, number int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for o := range a.of[id] {
		o.number = max(o.number, number)
		select {
		case o.wakeup <- struct{}{}:
		default:
		}
	}
}

// Count gives c to the streams of all purchases. One that is too slow is ended: its client comes back.
func (a *Wakeups) Count(c contracts.Compra) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for queue := range a.behind {
		select {
		case queue <- c:
		default:
			delete(a.behind, queue)
			close(queue)
		}
	}
}

// oir listens for changes of id until leave is called.
func (a *Wakeups) listen(id string) (o *listener, leave func()) {
	o = &listener{wakeup: make(chan struct{}, 1)}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of[id] == nil {
		a.of[id] = map[*listener]struct{}{}
	}
	a.of[id][o] = struct{}{}
	return o, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.of[id], o)
		if len(a.of[id]) == 0 {
			delete(a.of, id)
		}
	}
}

// announced is the highest number that o was told.
func (a *Wakeups) announced(o *listener) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return o.number
}

// listenAll listens for changes of all purchases until leave is called. The channel is closed for one that is too slow.
func (a *Wakeups) listenAll() (queue chan contracts.Compra, leave func()) {
	queue = make(chan contracts.Compra, allQueueSize)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.behind[queue] = struct{}{}
	return queue, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.behind, queue)
	}
}
