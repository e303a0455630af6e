// Package deliveries tries each delivery that is due, until it is done or given up. One slow address holds up no other: each has its
// own share of the tries under way.
package deliveries

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"entregas/contracts"
	"entregas/internal/telemetry"
	"entregas/services/avisos/avisos"
)

// Store keeps the deliveries.
type Store interface {
	// Claim takes the deliveries that are due, at most most of one address; busy has how many of an address are taken already.
	Claim(ctx context.Context, busy map[string]int, most int, lease time.Duration) ([]avisos.Envio, error)
	Finish(ctx context.Context, e avisos.Envio, a avisos.Answer, v avisos.Verdict) error
	GiveBack(ctx context.Context, e avisos.Envio) error
}

// Sender tries a delivery once.
type Sender interface {
	Send(ctx context.Context, e avisos.Envio) avisos.Answer
}

// Settings say when a Deliverer tries.
type Settings struct {
	Plan    avisos.Plan
	Every   time.Duration // how often it looks for deliveries that are due
	Most    int           // tries of one address that may be under way
	Timeout time.Duration // of a try
}

// Deliverer makes the deliveries while Run runs.
type Deliverer struct {
	store    Store
	sender   Sender
	settings Settings
	wake     chan struct{}

	mu   sync.Mutex
	busy map[string]int // tries under way, by address
}

// New returns a Deliverer of the deliveries in store.
func New(store Store, sender Sender, s Settings) *Deliverer {
	return &Deliverer{store: store, sender: sender, settings: s, wake: make(chan struct{}, 1), busy: map[string]int{}}
}

// Wake makes Run look for deliveries at once. It does not wait.
func (d *Deliverer) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

const (
	// margin is how much longer than a try its lease is: the time to store the result.
	margin = 15 * time.Second
	// storeTimeout bounds the taking of deliveries and the storing of a result, also while the program stops.
	storeTimeout = 5 * time.Second
	// jitter is the largest part of a pause by which it is made longer, so that deliveries which failed together do not come back
	// together.
	jitter = 0.1
)

// Run makes deliveries until ctx ends. Then it interrupts the tries under way, gives their deliveries back, and returns.
func (d *Deliverer) Run(ctx context.Context) {
	ticker := time.NewTicker(d.settings.Every)
	defer ticker.Stop()
	var group sync.WaitGroup
	defer group.Wait()
	for ctx.Err() == nil {
		envios, err := d.claim(ctx)
		if err != nil {
			slog.WarnContext(ctx, "the deliveries that are due could not be read", "error", err)
		}
		for _, e := range envios {
			d.hold(e.IDDireccion, 1)
			group.Go(func() {
				d.deliver(ctx, e)
				d.hold(e.IDDireccion, -1)
				d.Wake() // there is room for the next one
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-ticker.C:
		}
	}
}

// claim takes the deliveries that are due. A stop does not interrupt it: deliveries that are taken, but not returned, would wait for the end of
// their leases.
func (d *Deliverer) claim(ctx context.Context) ([]avisos.Envio, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	return d.store.Claim(ctx, d.held(), d.settings.Most, d.settings.Timeout+margin)
}

// deliver tries e once and stores the result.
func (d *Deliverer) deliver(ctx context.Context, e avisos.Envio) {
	ctx, span := telemetry.Delivery(ctx, "webhook", e.Tipo, e.IDCompra, e.Traza, e.Repeticion)
	defer span.End()
	a := d.sender.Send(ctx, e)
	telemetry.Delivered(span, a.Codigo, a.Error != "")
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	var err error
	if ctx.Err() != nil && a.Error != "" { // interrupted
		err = d.store.GiveBack(storing, e)
	} else {
		v := d.settings.Plan.Judge(a, e.Intentos)
		v.After += time.Duration(rand.Float64() * jitter * float64(v.After)) // #nosec G404 -- no secret
		if v.Estado == contracts.EntregaMuerta {
			slog.WarnContext(ctx, "a delivery was given up", "delivery", e.ID, "address", e.IDDireccion, "tries", e.Intentos, "status", a.Codigo)
		}
		err = d.store.Finish(storing, e, a, v)
	}
	if err != nil { // the lease ends, and it is tried again
		slog.WarnContext(ctx, "the result of a delivery was not stored", "delivery", e.ID, "error", err)
	}
}

// hold adds n to the tries under way of an address.
func (d *Deliverer) hold(idDireccion string, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[idDireccion] += n; d.busy[idDireccion] == 0 {
		delete(d.busy, idDireccion)
	}
}

// held returns the tries under way, by address.
func (d *Deliverer) held() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	held := make(map[string]int, len(d.busy))
	for id, n := range d.busy {
		held[id] = n
	}
	return held
}
