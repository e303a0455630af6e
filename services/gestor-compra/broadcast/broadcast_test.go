package broadcast

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
)

// memoryStore is a Store in memory that has nothing to sweep.
type memoryStore struct {
	mu      sync.Mutex
	until   map[string]int
	failure error
}

func (m *memoryStore) MarkPublished(ctx context.Context, p []compras.Published) ([]compras.Published, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := errors.Join(m.failure, ctx.Err()); err != nil {
		return nil, err
	}
	for _, one := range p {
		m.until[one.IDCompra] = max(m.until[one.IDCompra], one.Until)
	}
	return nil, nil
}

func (m *memoryStore) Unpublished(context.Context, time.Duration, int) ([]contracts.Compra, error) {
	return nil, nil
}

func (m *memoryStore) markedCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.until)
}

func fresh(a Store) (*Broadcaster, *pubsubtest.Broker) {
	broker := &pubsubtest.Broker{}
	return New(a, pubsub.NewPublisher(broker, "gestor-compra")), broker
}

// run runs d until the function until returns true.
func run(t *testing.T, d *Broadcaster, until func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var end sync.WaitGroup
	end.Go(func() { d.Run(ctx) })
	for deadline := time.Now().Add(30 * time.Second); !until(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("it does not end")
			break
		}
	}
	stop()
	end.Wait()
}

func with(id string, number int) contracts.Compra {
	return contracts.Compra{SolicitudCompra: contracts.SolicitudCompra{ID: id}, Estado: contracts.EstadoIniciada, Historia: []contracts.HechoContado{{Numero: number}}}
}

// The changes of each purchase are published in order and with the id of the purchase as key, however many there are at once.
// Then they are marked.
func TestEachCompraKeepsItsSequence(t *testing.T) {
	const howMany, times = 40, 10
	a := &memoryStore{until: map[string]int{}}
	d, broker := fresh(a)
	published := func() int { return len(pubsubtest.Published(t, broker, contracts.EventosCompra)) }
	broadcast := sync.OnceFunc(func() {
		for n := 1; n <= times; n++ {
			for _, i := range rand.Perm(howMany) {
				d.Broadcast(with(fmt.Sprint("compra ", i), n))
			}
		}
	})
	run(t, d, func() bool {
		broadcast()
		return published() >= howMany*times
	})
	last := map[string]int{}
	metadata := broker.Metadata(string(contracts.EventosCompra))
	for i, m := range pubsubtest.Published(t, broker, contracts.EventosCompra) {
		if m.Type != contracts.CompraActualizada || m.Data.Numero != last[m.Data.IDCompra]+1 || metadata[i]["partitionKey"] != m.Data.IDCompra {
			t.Fatalf("after number %d of %s comes %+v (%v)", last[m.Data.IDCompra], m.Data.IDCompra, m, metadata[i])
		}
		last[m.Data.IDCompra] = m.Data.Numero
	}
	for id, n := range last {
		if a.until[id] != times || n != times {
			t.Errorf("%s: published up to %d, marked up to %d", id, n, a.until[id])
		}
	}
}

// Run marks the published purchases before it stops, although its context has ended.
func TestAStopMarksWhatIsPublished(t *testing.T) {
	a := &memoryStore{until: map[string]int{}}
	d, _ := fresh(a)
	d.publish(t.Context(), with("una", 1))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	d.Run(ctx)
	if a.until["una"] != 1 {
		t.Fatal("it is not marked")
	}
}

// A purchase that cannot be published is not marked. If marking fails, the purchase is marked later.
func TestWhatFailsIsNotMarked(t *testing.T) {
	a := &memoryStore{until: map[string]int{}, failure: errors.New("the database does not answer")}
	d, broker := fresh(a)
	broker.Fail(errors.New("the broker does not answer"))
	d.publish(t.Context(), with("una", 1))
	if err := d.setMark(t.Context()); err != nil {
		t.Fatalf("there was something to mark: %v", err)
	}
	broker.Fail(nil)
	d.publish(t.Context(), with("una", 1))
	if err := d.setMark(t.Context()); err == nil || a.markedCount() != 0 {
		t.Fatal("the failure to mark is not returned")
	}
	a.failure = nil
	if err := d.setMark(t.Context()); err != nil || a.markedCount() != 1 {
		t.Fatalf("it forgot what it could not mark: %v", err)
	}
}

// If the broker was down or the lanes were full, no change is lost (docs/adr/the-history-is-the-outbox.md). The sweep
// publishes each change that was not published, and then finds nothing more.
func TestNothingIsLost(t *testing.T) {
	const howMany = 3 * sweepBatch / 2
	a := postgrestest.New(t)
	a.Do(t, `insert into compra (id, id_usuario, estado, domicilio, productos) select n, 'ana', 'RECIBIDA', false, '[]' from generate_series(1, $1) n`, howMany)
	a.Do(t, `insert into historia (id_compra, numero, paso, tipo, en) select id, 1, 'RECIBIDA', 'CrearCompra', now() - interval '1 minute' from compra`)
	d, broker := fresh(a)
	broker.Fail(errors.New("the broker does not answer"))
	for range lanes * depth { // it must return although the lanes are full
		c, err := a.Load(t.Context(), "1")
		if err != nil {
			t.Fatal(err)
		}
		d.Broadcast(c)
		d.Broadcast(c)
		if len(d.lanes[0]) == depth {
			break
		}
	}
	unmarked := func() int { return postgrestest.One[int](t, a, `select count(*) from historia where not published`) }
	failure := true
	run(t, d, func() bool {
		if failure {
			broker.Fail(nil)
			failure = false
		}
		if err := d.sweep(t.Context()); err != nil {
			t.Error(err)
		}
		return unmarked() == 0
	})
	seen := map[string]bool{}
	for _, m := range pubsubtest.Published(t, broker, contracts.EventosCompra) {
		seen[m.Data.IDCompra] = true
	}
	if len(seen) != howMany {
		t.Fatalf("%d of %d were published", len(seen), howMany)
	}
	if remaining, err := a.Unpublished(t.Context(), 0, 10); err != nil || len(remaining) != 0 {
		t.Fatalf("left are %v: %v", remaining, err)
	}
}

// A change that is made while an older change is being published is not marked together with the older one.
func TestWhatComesLaterIsNotMarked(t *testing.T) {
	a := postgrestest.New(t)
	s := a.Compra(t, contracts.EstadoRecibida)
	d, _ := fresh(a)
	earlier, err := a.Load(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	k := compras.Change{IDCompra: s.ID, To: contracts.EstadoIniciada, From: []contracts.Estado{contracts.EstadoRecibida}}
	if _, moved, err := a.Move(t.Context(), k); err != nil || !moved {
		t.Fatal(moved, err)
	}
	d.publish(t.Context(), earlier)
	if err := d.setMark(t.Context()); err != nil {
		t.Fatal(err)
	}
	if remaining, err := a.Unpublished(t.Context(), 0, 10); err != nil || len(remaining) != 1 {
		t.Fatalf("left are %v: %v", remaining, err)
	}
}
