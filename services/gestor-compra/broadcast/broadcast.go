// Package broadcast publishes the history of purchases on events-compra (docs/adr/the-history-is-the-outbox.md): at once and
// beside the step that made it, so that no step waits for it; and by a sweep where that failed.
package broadcast

import (
	"context"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"entregas/contracts"
	"entregas/internal/app"
	"entregas/internal/logging"
	"entregas/internal/pubsub"
	"entregas/services/gestor-compra/compras"
)

const (
	lanes = 8   // publications at once; a purchase keeps to one lane, and so its order
	depth = 256 // waiting in a lane; what does not fit is left to the sweep
	// markEvery is how often the rows of the outbox that were published are marked, all in one statement.
	markEvery = 200 * time.Millisecond
	// lastMark is how long a stop waits for the last statement that marks rows of the outbox as published.
	lastMark = 5 * time.Second
	// sweepEvery is how often to look for rows of the outbox that could not be published.
	sweepEvery = 5 * time.Second
	// sweepAge is the age from which a row of the outbox is published again. A younger one is still on its way.
	sweepAge   = 5 * time.Second
	sweepBatch = 500
)

// Store is what the diffusion keeps.
type Store interface {
	MarkPublished(ctx context.Context, p []compras.Published) error
	Unpublished(ctx context.Context, age time.Duration, limit int) ([]contracts.Compra, error)
}

// Broadcaster publishes. Run must run.
type Broadcaster struct {
	store     Store
	publisher *pubsub.Publisher
	lanes     [lanes]chan contracts.Compra
	mu        sync.Mutex
	published []compras.Published // not marked yet
}

// New publishes through p what a keeps.
func New(a Store, p *pubsub.Publisher) *Broadcaster {
	d := &Broadcaster{store: a, publisher: p}
	for i := range d.lanes {
		d.lanes[i] = make(chan contracts.Compra, depth)
	}
	return d
}

// Broadcast publishes c soon. It does not wait, and loses nothing: what is not published the sweep finds.
func (b *Broadcaster) Broadcast(c contracts.Compra) {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(c.ID)) // a hash does not fail
	select {
	case b.lanes[sum.Sum32()%lanes] <- c:
	default:
	}
}

// Run publishes until ctx ends. What is published by then is marked.
func (b *Broadcaster) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, lane := range b.lanes {
		all.Go(func() { b.drain(ctx, lane) })
	}
	all.Go(func() { app.Repeat(ctx, markEvery, "marcar publicadas", b.setMark) })
	all.Go(func() { app.Repeat(ctx, sweepEvery, "barrer la historia", b.sweep) })
	all.Wait()
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastMark)
	defer cancel()
	if err := b.setMark(deadline); err != nil { // they are published once more: the number tells
		slog.WarnContext(ctx, "marcar publicadas al terminar", "error", err)
	}
}

func (b *Broadcaster) drain(ctx context.Context, lane <-chan contracts.Compra) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-lane:
			b.publish(ctx, c)
		}
	}
}

func (b *Broadcaster) publish(ctx context.Context, c contracts.Compra) {
	ctx = logging.WithCompra(ctx, c.ID)
	if err := pubsub.Publish(ctx, b.publisher, contracts.EventosCompra, contracts.CompraActualizada, c.ID, c.Event()); err != nil {
		slog.WarnContext(ctx, "la difusión queda para el barrido", "error", err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.published = append(b.published, compras.Published{IDCompra: c.ID, Until: c.Numero()})
}

// setMark notes what was published, many at a time: one statement for each would cost as much as the step did.
func (b *Broadcaster) setMark(ctx context.Context) error {
	b.mu.Lock()
	published := b.published
	b.published = nil
	b.mu.Unlock()
	if len(published) == 0 {
		return nil
	}
	err := b.store.MarkPublished(ctx, published)
	if err != nil { // what is not marked by the next sweep is published once more: the number tells
		b.mu.Lock()
		defer b.mu.Unlock()
		b.published = append(published, b.published...)
	}
	return err
}

func (b *Broadcaster) sweep(ctx context.Context) error {
	pending, err := b.store.Unpublished(ctx, sweepAge, sweepBatch)
	if err != nil {
		return err
	}
	for _, c := range pending {
		b.Broadcast(c)
	}
	return nil
}
