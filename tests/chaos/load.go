package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/tests/client"
)

// followed is a purchase whose id a customer got, with the states in which the purchase may end.
type followed struct {
	id        string
	class     string
	accepted  time.Time
	finals    []contracts.Estado // the states in which it may end; empty until its customer has finished
	arrivedAt time.Time          // when it was first seen in one of finals; zero before
	estado    contracts.Estado
}

// load is a number of customers who buy without a pause. It follows their purchases.
type load struct {
	bff      *client.Client
	manager  *client.Database
	runName  string // a name of this run, for its customers
	mu       sync.Mutex
	all      map[string]*followed
	group    sync.WaitGroup
	halt     context.CancelFunc
	failures []string // responses that no customer should get
	door     answers
}

// classes has the kinds of purchases. A kind that is in the list several times is bought more often.
var classes = []string{simple, simple, simple, cancelled, cancelled, dispatched, outOfStock, approved, rejected, cancelledLate}

const (
	simple        = "simple"
	cancelled     = "cancelled"
	cancelledLate = "cancelled late"
	dispatched    = "dispatched"
	outOfStock    = "out of stock"
	approved      = "approved"
	rejected      = "rejected"
)

const (
	tooBig    = 101  // units that need the approval of an operator
	exhausted = "15" // a product without stock
	stock     = 400_000
)

// start starts n customers, who buy until stop is called.
func (c *load) start(ctx context.Context, n int, seed uint64) {
	c.all = map[string]*followed{}
	own, halt := context.WithCancel(ctx)
	c.halt = halt
	for i := range n {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		c.group.Go(func() {
			for k := 0; own.Err() == nil; k++ {
				c.one(ctx, rng, fmt.Sprintf("chaos-%s-%d-%d", c.runName, i, k/20))
				sleep(own, time.Duration(300+rng.IntN(500))*time.Millisecond)
			}
		})
	}
	go c.watch(ctx)
}

// stop stops the customers, and waits until each customer has finished the purchase that they began.
func (c *load) stop() {
	c.halt()
	c.group.Wait()
}

// one sends one purchase, and then acts as the customer of a purchase of this kind does.
func (c *load) one(ctx context.Context, rng *rand.Rand, usuario string) {
	s := contracts.SolicitudCompra{IDUsuario: usuario, Domicilio: rng.IntN(3) == 0}
	first := 1 + rng.IntN(4)
	for k := range 1 + rng.IntN(3) {
		s.Productos = append(s.Productos, contracts.Linea{IDProducto: fmt.Sprint(1 + (first+k)%4), Cantidad: 1 + rng.IntN(3)})
	}
	class := classes[rng.IntN(len(classes))]
	switch class {
	case outOfStock:
		s.Productos[0].IDProducto = exhausted
	case approved, rejected:
		s.Productos[0].Cantidad = tooBig
	}
	p := c.comprar(ctx, s, class)
	if p == nil {
		return
	}
	finals := c.follow(ctx, rng, p)
	c.mu.Lock()
	defer c.mu.Unlock()
	p.finals = finals
}

// comprar sends the purchase under one idempotency key until the purchase is accepted: a customer knows a purchase only by a response
// with its id. After a timeout or a broken connection it sends the request again under the same key, so there is only one purchase.
func (c *load) comprar(ctx context.Context, s contracts.SolicitudCompra, class string) *followed {
	key := client.WithIdempotencyKey(uuid.NewString())
	for ctx.Err() == nil {
		accepted, err := c.bff.Comprar(ctx, s, key)
		c.seen(ctx, statusOf(err))
		if err == nil && accepted.ID == "" {
			c.complain("buy: a success without an id")
			return nil
		}
		if err == nil {
			p := &followed{id: accepted.ID, class: class, accepted: time.Now()}
			c.mu.Lock()
			c.all[p.id] = p
			c.mu.Unlock()
			return p
		}
		if isDefinite(err) {
			c.complain("buy: %v", err)
			return nil
		}
		sleep(ctx, 200*time.Millisecond)
	}
	return nil
}

// follow acts as the customer of a purchase of this kind does, and returns the states in which the purchase may then end.
func (c *load) follow(ctx context.Context, rng *rand.Rand, p *followed) []contracts.Estado {
	switch p.class {
	case outOfStock:
		return []contracts.Estado{contracts.EstadoRechazada}
	case cancelled:
		sleep(ctx, time.Duration(rng.IntN(250))*time.Millisecond)
		return c.cancelar(ctx, p.id)
	case cancelledLate:
		c.until(ctx, p.id, contracts.EstadoConfirmada)
		return c.cancelar(ctx, p.id)
	case dispatched:
		if order := c.until(ctx, p.id, contracts.EstadoConfirmada).IDOrden; order != "" {
			c.insist(ctx, http.MethodPost, "/ordenes/"+order+"/despacho", nil)
			return []contracts.Estado{contracts.EstadoDespachada}
		}
	case approved, rejected:
		c.until(ctx, p.id, contracts.EstadoPorAprobar)
		c.insist(ctx, http.MethodPost, "/compras/"+p.id+"/aprobacion", map[string]any{"aprobada": p.class == approved})
		if p.class == rejected {
			return []contracts.Estado{contracts.EstadoRechazada}
		}
	}
	return []contracts.Estado{contracts.EstadoConfirmada}
}

// cancelar cancels a purchase, and returns the states in which it may then end.
func (c *load) cancelar(ctx context.Context, id string) []contracts.Estado {
	if c.insist(ctx, http.MethodPost, "/compras/"+id+"/cancelacion", map[string]any{"motivo": "chaos"})/100 == 2 {
		return []contracts.Estado{contracts.EstadoCancelada}
	}
	return []contracts.Estado{contracts.EstadoConfirmada, contracts.EstadoCancelada}
}

// insist sends a request until the response is definite, and returns its status.
func (c *load) insist(ctx context.Context, method, path string, body any) int {
	for ctx.Err() == nil {
		r, err := c.bff.Request(ctx, method, path, body)
		if err != nil {
			r.Status = 0
		}
		c.seen(ctx, r.Status)
		if r.Status != 0 && !comesAgain(r.Status) && r.Status != http.StatusNotFound {
			return r.Status
		}
		sleep(ctx, 300*time.Millisecond)
	}
	return 0
}

// until polls the purchase until the purchase is in state estado, or at rest in another state.
func (c *load) until(ctx context.Context, id string, estado contracts.Estado) contracts.Compra {
	for ctx.Err() == nil {
		loaded, err := c.bff.Load(ctx, id)
		c.seen(ctx, statusOf(err))
		if err == nil && (loaded.Estado == estado || loaded.Estado.AtRest()) {
			return loaded
		}
		sleep(ctx, 150*time.Millisecond)
	}
	return contracts.Compra{}
}

// watch records the time at which each purchase comes to its end. One query covers all purchases.
func (c *load) watch(ctx context.Context) {
	type row struct {
		ID     string
		Estado contracts.Estado
	}
	for ; ctx.Err() == nil; sleep(ctx, 250*time.Millisecond) {
		ids := c.pending(func(*followed) bool { return true })
		deadline, cancel := context.WithTimeout(ctx, 5*time.Second)
		rows, err := client.Rows[row](deadline, c.manager, `select id, estado from compra where id = any($1)`, ids)
		cancel()
		if err != nil {
			continue // the database is down: a fault may stop it
		}
		now := time.Now()
		c.mu.Lock()
		for _, f := range rows {
			p := c.all[f.ID]
			p.estado = f.Estado
			if slices.Contains(p.finals, f.Estado) {
				p.arrivedAt = now
			}
		}
		c.mu.Unlock()
	}
}

// pending returns the purchases for which matches returns true and that are not at their end.
func (c *load) pending(matches func(*followed) bool) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := []string{}
	for id, p := range c.all {
		if p.arrivedAt.IsZero() && matches(p) {
			ids = append(ids, id)
		}
	}
	return ids
}

// lastArrival returns when the last of these purchases came to its end.
func (c *load) lastArrival(ids []string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	var last time.Time
	for _, id := range ids {
		if l := c.all[id].arrivedAt; l.After(last) {
			last = l
		}
	}
	return last
}

func (c *load) ids() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.all))
}

// complain records a response that no customer should get.
func (c *load) complain(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = append(c.failures, fmt.Sprintf(format, args...))
}

func sleep(ctx context.Context, howLong time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(howLong):
	}
}
