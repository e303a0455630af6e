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

// followed is a purchase that a customer was told of, and what must become of it.
type followed struct {
	id        string
	class     string
	accepted  time.Time
	finals    []contracts.Estado // where it may end; empty until its customer is done with it
	arrivedAt time.Time          // when it was seen there; zero until then
	estado    contracts.Estado
}

// load buys without end, and follows what it bought.
type load struct {
	bff      *client.Client
	manager  *client.Database
	runName  string // names this run's customers
	mu       sync.Mutex
	all      map[string]*followed
	group    sync.WaitGroup
	halt     context.CancelFunc
	failures []string // answers that no customer should get
	door     answers
}

// classes of purchases, as often as they stand here.
var classes = []string{"simple", "simple", "simple", "cancelada", "cancelada", "despachada", "sin existencias", "aprobada", "no aprobada", "cancelada tarde"}

const (
	tooBig    = 101  // units that need an approval
	exhausted = "15" // a product of which there is none
	stock     = 400_000
)

// start lets n customers buy at once until stop.
func (c *load) start(ctx context.Context, n int, seed uint64) {
	c.all = map[string]*followed{}
	own, halt := context.WithCancel(ctx)
	c.halt = halt
	for i := range n {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		c.group.Go(func() {
			for k := 0; own.Err() == nil; k++ {
				c.one(ctx, rng, fmt.Sprintf("caos-%s-%d-%d", c.runName, i, k/20))
				sleep(own, time.Duration(300+rng.IntN(500))*time.Millisecond)
			}
		})
	}
	go c.watch(ctx)
}

// stop lets each customer finish what it began.
func (c *load) stop() {
	c.halt()
	c.group.Wait()
}

func (c *load) one(ctx context.Context, rng *rand.Rand, usuario string) {
	s := contracts.SolicitudCompra{IDUsuario: usuario, Domicilio: rng.IntN(3) == 0}
	first := 1 + rng.IntN(4)
	for k := range 1 + rng.IntN(3) {
		s.Productos = append(s.Productos, contracts.Linea{IDProducto: fmt.Sprint(1 + (first+k)%4), Cantidad: 1 + rng.IntN(3)})
	}
	class := classes[rng.IntN(len(classes))]
	switch class {
	case "sin existencias":
		s.Productos[0].IDProducto = exhausted
	case "aprobada", "no aprobada":
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

// comprar sends the purchase under one key until it is taken: an answer that names it, and nothing else, makes it one that a
// customer was told of. What was given up or broke off in the middle is sent again, and the key makes it the same purchase.
func (c *load) comprar(ctx context.Context, s contracts.SolicitudCompra, class string) *followed {
	key := client.WithIdempotencyKey(uuid.NewString())
	for ctx.Err() == nil {
		accepted, err := c.bff.Comprar(ctx, s, key)
		c.seen(ctx, statusOf(err))
		if err == nil && accepted.ID == "" {
			c.complain("comprar: una respuesta de éxito sin id")
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
			c.complain("comprar: %v", err)
			return nil
		}
		sleep(ctx, 200*time.Millisecond)
	}
	return nil
}

// follow does what this kind of customer does next, and tells where the purchase may then end.
func (c *load) follow(ctx context.Context, rng *rand.Rand, p *followed) []contracts.Estado {
	switch p.class {
	case "sin existencias":
		return []contracts.Estado{contracts.EstadoRechazada}
	case "cancelada":
		sleep(ctx, time.Duration(rng.IntN(250))*time.Millisecond)
		return c.cancelar(ctx, p.id)
	case "cancelada tarde":
		c.until(ctx, p.id, contracts.EstadoConfirmada)
		return c.cancelar(ctx, p.id)
	case "despachada":
		if order := c.until(ctx, p.id, contracts.EstadoConfirmada).IDOrden; order != "" {
			c.insist(ctx, http.MethodPost, "/ordenes/"+order+"/despacho", nil)
			return []contracts.Estado{contracts.EstadoDespachada}
		}
	case "aprobada", "no aprobada":
		c.until(ctx, p.id, contracts.EstadoPorAprobar)
		c.insist(ctx, http.MethodPost, "/compras/"+p.id+"/aprobacion", map[string]any{"aprobada": p.class == "aprobada"})
		if p.class == "no aprobada" {
			return []contracts.Estado{contracts.EstadoRechazada}
		}
	}
	return []contracts.Estado{contracts.EstadoConfirmada}
}

func (c *load) cancelar(ctx context.Context, id string) []contracts.Estado {
	if c.insist(ctx, http.MethodPost, "/compras/"+id+"/cancelacion", map[string]any{"motivo": "caos"})/100 == 2 {
		return []contracts.Estado{contracts.EstadoCancelada}
	}
	return []contracts.Estado{contracts.EstadoConfirmada, contracts.EstadoCancelada}
}

// insist sends a request until it is answered with something other than trouble, and gives the answer's status.
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

// until reads the purchase until it is in the state, or at another end.
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

// watch notes when purchases come to their end: one query for all of them.
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
			continue // the database is down, as it may be
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

// pending are the purchases that have not come to their end, of those that which says.
func (c *load) pending(which func(*followed) bool) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := []string{}
	for id, p := range c.all {
		if p.arrivedAt.IsZero() && which(p) {
			ids = append(ids, id)
		}
	}
	return ids
}

// lastArrival is when the last of these purchases came to its end.
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
