package testkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/tests/client"
)

// Load buys on and on while something is done to the system.
type Load struct {
	s       *System
	t       *testing.T
	stop    context.CancelFunc
	group   sync.WaitGroup
	mu      sync.Mutex
	ids     []string
	usuario string
}

// Productos that the load buys: see to it that there are enough.
var loadProducts = []string{"1", "2", "5", "7"}

// StartLoad begins to buy, inFlight purchases at a time, each sent again under its own key until it was taken, as a careful
// client does.
func (s *System) StartLoad(t *testing.T, inFlight int) *Load {
	t.Helper()
	minimums := map[string]int{}
	for _, p := range loadProducts {
		minimums[p] = 2000
	}
	s.Restock(t, minimums)
	ctx, stop := context.WithCancel(t.Context())
	c := &Load{s: s, t: t, stop: stop, usuario: Usuario(t)}
	for i := range inFlight {
		c.group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				c.one(ctx, fmt.Sprintf("%s-%d", c.usuario, i), n)
			}
		})
	}
	return c
}

func (c *Load) one(ctx context.Context, usuario string, n int) {
	requested := contracts.SolicitudCompra{IDUsuario: usuario, Domicilio: n%3 == 0, Productos: []contracts.Linea{
		Linea(loadProducts[n%len(loadProducts)], 1), Linea(loadProducts[(n+1)%len(loadProducts)], 2),
	}}
	// Not ctx: what was begun is carried through, so that it is known.
	accepted, err := c.s.KeepAsking(c.t.Context(), requested)
	if err != nil {
		c.t.Errorf("la compra no se tomó: %v", err)
		c.stop()
		return
	}
	c.mu.Lock()
	c.ids = append(c.ids, accepted.ID)
	c.mu.Unlock()
	for ctx.Err() == nil {
		estado, err := client.One[contracts.Estado](ctx, c.s.ManagerDatabase, `select estado from compra where id = $1`, accepted.ID)
		if err == nil && estado.AtRest() {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// KeepAsking sends a purchase under one key until it is taken. A refusal that will not change ends it.
func (s *System) KeepAsking(ctx context.Context, requested contracts.SolicitudCompra) (contracts.Aceptada, error) {
	key := client.WithIdempotencyKey(uuid.NewString())
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	for {
		accepted, err := s.BFF.Comprar(ctx, requested, key)
		var p *client.Problem
		if err == nil || ctx.Err() != nil || (errors.As(err, &p) && p.Status < http.StatusInternalServerError) {
			return accepted, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Taken is how many purchases were taken so far.
func (c *Load) Taken() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.ids)
}

// Wait waits until n more purchases than now were taken.
func (c *Load) Wait(n int) {
	c.t.Helper()
	want := c.Taken() + n
	Until(c.t, fmt.Sprintf("%d compras más", n), func(context.Context) (bool, error) { return c.Taken() >= want, nil })
}

// Finish stops to buy and requires that every purchase was confirmed and all is as it should be.
func (c *Load) Finish(deadline time.Duration) {
	c.t.Helper()
	c.stop()
	c.group.Wait()
	c.s.AllConfirmed(c.t, deadline, c.ids)
	if n := Count(c.t, c.s.ManagerDatabase, `select count(*) from compra where starts_with(id_usuario, $1)`, c.usuario); n != len(c.ids) {
		c.t.Errorf("se tomaron %d compras y hay %d", len(c.ids), n)
	}
	c.t.Logf("%d compras, todas confirmadas", len(c.ids))
}

// AllConfirmed waits for the purchases, and requires that each was confirmed and its story is one in all databases.
func (s *System) AllConfirmed(t *testing.T, deadline time.Duration, ids []string) {
	t.Helper()
	if howMany := s.AllAtRest(t, deadline, ids); howMany[contracts.EstadoConfirmada] != len(ids) {
		t.Errorf("de %d compras: %v", len(ids), howMany)
	}
	s.Balanced(t, ids)
}

// NoDeadLetters gives a check that since now no message became a dead letter.
func (s *System) NoDeadLetters(t *testing.T) func() {
	t.Helper()
	count := func() map[string]int64 {
		howMany := map[string]int64{}
		for _, topic := range contracts.Names() {
			n, err := s.Broker.Entered(context.WithoutCancel(t.Context()), topic+"-dlq")
			if err != nil {
				t.Fatal(err)
			}
			howMany[topic] = n
		}
		return howMany
	}
	earlier := count()
	return func() {
		t.Helper()
		if after := count(); fmt.Sprint(earlier) != fmt.Sprint(after) {
			t.Errorf("mensajes muertos: antes %v, después %v", earlier, after)
		}
	}
}
