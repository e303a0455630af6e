// Package broadcast publishes the history of purchases on topic eventos-compra (docs/adr/the-history-is-the-outbox.md). It
// publishes a change at once, but no step of the saga waits for that. A sweep publishes the changes that failed.
//
// Why not a library for an outbox: the history of a purchase is its outbox, so there is no table for a library to own.
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
	"entregas/internal/telemetry"
	"entregas/services/gestor-compra/anchors"
	"entregas/services/gestor-compra/compras"
)

const (
	lanes = 8   // publications at the same time; a purchase always uses the same lane, which keeps its order
	depth = 256 // purchases that wait in a lane; the sweep publishes those that do not fit
	// markEvery is how often the rows of the outbox that were published are marked, all in one statement.
	markEvery = 200 * time.Millisecond
	// lastMark is how long a stop waits for the last statement that marks rows of the outbox as published.
	lastMark = 5 * time.Second
	// sweepEvery is how often to look for rows of the outbox that could not be published.
	sweepEvery = 5 * time.Second
	// sweepAge is the age from which the sweep publishes a row of the outbox.
	sweepAge   = 5 * time.Second
	sweepBatch = 500 // purchases that one sweep publishes
)

// Store records which entries of a history are published.
type Store interface {
	// MarkPublished returns the entries that no call has marked before.
	MarkPublished(ctx context.Context, p []compras.Published) ([]compras.Published, error)
	Unpublished(ctx context.Context, age time.Duration, limit int) ([]contracts.Compra, error)
}

// Broadcaster publishes purchases while Run runs.
type Broadcaster struct {
	store     Store
	publisher *pubsub.Publisher
	lanes     [lanes]chan contracts.Compra
	mu        sync.Mutex
	published []publication // not marked yet
}

// publication is a published history, with the ends in it.
type publication struct {
	compras.Published
	ends []end
}

// New returns a Broadcaster that publishes the purchases of store through publisher.
func New(store Store, publisher *pubsub.Publisher) *Broadcaster {
	b := &Broadcaster{store: store, publisher: publisher}
	for i := range b.lanes {
		b.lanes[i] = make(chan contracts.Compra, depth)
	}
	return b
}

// Broadcast queues the purchase c for publication. It does not wait: when the lane is full, the sweep publishes c.
func (b *Broadcaster) Broadcast(c contracts.Compra) {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(c.ID)) // a hash does not fail
	select {
	case b.lanes[sum.Sum32()%lanes] <- c:
	default:
	}
}

// Run publishes until ctx ends, and then marks the entries that were published.
func (b *Broadcaster) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, lane := range b.lanes {
		all.Go(func() { b.drain(ctx, lane) })
	}
	all.Go(func() { app.Repeat(ctx, markEvery, "mark the published history", b.setMark) })
	all.Go(func() { app.Repeat(ctx, sweepEvery, "sweep the history", b.sweep) })
	all.Wait()
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastMark)
	defer cancel()
	if err := b.setMark(deadline); err != nil { // readers drop the second publication by its number
		slog.WarnContext(ctx, "the published history was not marked at the stop", "error", err)
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
	ctx = logging.WithCompra(telemetry.Under(ctx, anchors.OfCompra(c.Traza, c.ID)), c.ID)
	if err := pubsub.Publish(ctx, b.publisher, contracts.EventosCompra, contracts.CompraActualizada, c.ID, c.Event()); err != nil {
		slog.WarnContext(ctx, "a publication is left to the sweep", "error", err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.published = append(b.published, publication{compras.Published{IDCompra: c.ID, Until: c.Numero()}, endsOf(c)})
}

// setMark marks the published history of many purchases in one statement, and measures the ends among the entries that it marks. One
// statement for each purchase would cost as much as a step of the saga.
func (b *Broadcaster) setMark(ctx context.Context) error {
	b.mu.Lock()
	published := b.published
	b.published = nil
	b.mu.Unlock()
	if len(published) == 0 {
		return nil
	}
	entries := make([]compras.Published, len(published))
	for i, p := range published {
		entries[i] = p.Published
	}
	marked, err := b.store.MarkPublished(ctx, entries)
	if err != nil { // the next call marks them; readers drop a second publication by its number
		b.mu.Lock()
		defer b.mu.Unlock()
		b.published = append(published, b.published...)
		return err
	}
	measureEnds(published, marked)
	return nil
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
