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

// Load is a number of customers who buy without a pause while a test causes a fault.
type Load struct {
	s       *System
	t       *testing.T
	stop    context.CancelFunc
	group   sync.WaitGroup
	mu      sync.Mutex
	ids     []string
	usuario string
}

// loadProducts are the products that the load buys.
var loadProducts = []string{"1", "2", "5", "7"}

// StartLoad starts inFlight customers. Each sends a purchase under an idempotency key until it is accepted, waits until it is at
// rest, and sends the next one.
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

// one sends a purchase and waits until its saga has ended or ctx ends.
func (c *Load) one(ctx context.Context, usuario string, n int) {
	requested := contracts.SolicitudCompra{IDUsuario: usuario, Domicilio: n%3 == 0, Productos: []contracts.Linea{
		Linea(loadProducts[n%len(loadProducts)], 1), Linea(loadProducts[(n+1)%len(loadProducts)], 2),
	}}
	// The request does not use ctx: the test must know the id of every purchase that a customer began.
	accepted, err := c.s.KeepAsking(c.t.Context(), requested)
	if err != nil {
		c.t.Errorf("the purchase was not accepted: %v", err)
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

// KeepAsking sends a purchase under one idempotency key until it is accepted, for at most Deadline. It also stops at any other
// response below 500.
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

// Taken returns how many purchases were accepted so far.
func (c *Load) Taken() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.ids)
}

// Wait waits until n more purchases are accepted.
func (c *Load) Wait(n int) {
	c.t.Helper()
	want := c.Taken() + n
	Until(c.t, fmt.Sprintf("%d more purchases", n), func(context.Context) (bool, error) { return c.Taken() >= want, nil })
}

// Finish stops the customers. It fails the test unless every purchase is confirmed within deadline and the databases agree.
func (c *Load) Finish(deadline time.Duration) {
	c.t.Helper()
	c.stop()
	c.group.Wait()
	c.s.AllConfirmed(c.t, deadline, c.ids)
	if n := Count(c.t, c.s.ManagerDatabase, `select count(*) from compra where starts_with(id_usuario, $1)`, c.usuario); n != len(c.ids) {
		c.t.Errorf("%d purchases were accepted, and there are %d", len(c.ids), n)
	}
	c.t.Logf("%d purchases, all confirmed", len(c.ids))
}

// AllConfirmed fails the test unless every purchase is confirmed within deadline and the databases agree about it.
func (s *System) AllConfirmed(t *testing.T, deadline time.Duration, ids []string) {
	t.Helper()
	if howMany := s.AllAtRest(t, deadline, ids); howMany[contracts.EstadoConfirmada] != len(ids) {
		t.Errorf("of %d purchases: %v", len(ids), howMany)
	}
	s.Balanced(t, ids)
}

// NoDeadLetters returns a check that fails the test when a message has become a dead letter since this call.
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
			t.Errorf("dead letters: %v before, %v after", earlier, after)
		}
	}
}
