package admission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// queue returns the turns, tramites and ids that a test put into it, each of them once.
type queue struct {
	mu       sync.Mutex
	turns    []compras.Turn
	tramites []compras.Tramite
	asleep   []string
	failure  map[string]error // by method
	times    int
}

func (c *queue) TakeTurns(_ context.Context, p compras.Places) ([]compras.Turn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times++
	n := min(p.Total, len(c.turns))
	granted := c.turns[:n]
	c.turns = c.turns[n:]
	return granted, c.failure["TakeTurns"]
}

func (c *queue) TakeTramites(context.Context, time.Duration, int) ([]compras.Tramite, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	granted := c.tramites
	c.tramites = nil
	return granted, c.failure["TakeTramites"]
}

func (c *queue) AwaitingWakeup(context.Context, time.Duration, int) ([]string, error) {
	return c.asleep, c.failure["AwaitingWakeup"]
}

func (c *queue) put(t ...compras.Turn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turns = append(c.turns, t...)
}

func (c *queue) looks() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.times
}

// engine records the workflows that were scheduled and woken.
type engine struct {
	mu      sync.Mutex
	started map[string]compra.Input // by name and id
	woken   []string
	failure map[string]error // by id
}

func (m *engine) Start(ctx context.Context, name, id string, in compra.Input) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failure[id]; err != nil {
		return err
	}
	m.started[name+" "+id] = in
	return nil
}

func (m *engine) Wake(ctx context.Context, id string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.woken = append(m.woken, id)
	return m.failure[id]
}

func (m *engine) howMany() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.started)
}

var settings = Settings{Places: compras.Places{Total: 3}, Round: time.Hour, Saga: compra.Settings{AprobacionThreshold: 7, AprobacionDeadline: time.Minute}}

func fresh(c *queue) (*Admission, *engine) {
	m := &engine{started: map[string]compra.Input{}, failure: map[string]error{}}
	return New(c, m, settings), m
}

func turn(id string) compras.Turn {
	return compras.Turn{ID: id, IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}}, Domicilio: true}
}

// A workflow gets the id of its purchase, and the purchase and the present settings as its input.
func TestStarts(t *testing.T) {
	a, m := fresh(&queue{turns: []compras.Turn{turn("a")}, tramites: []compras.Tramite{
		{SolicitudCompra: turn("b"), Tipo: compra.TramiteDespacho}, {SolicitudCompra: turn("b"), Tipo: compra.TramiteCancelacion, Motivo: "ya no"},
	}})
	if err := a.admit(t.Context()); err != nil {
		t.Fatal(err)
	}
	expected := map[string]compra.Input{
		"Compra a":                  {Compra: turn("a"), Settings: settings.Saga, Version: compra.Version},
		"Despacho b-despacho":       {Compra: turn("b"), Settings: settings.Saga, Version: compra.Version},
		"Cancelacion b-cancelacion": {Compra: turn("b"), Settings: settings.Saga, Version: compra.Version, Motivo: "ya no"},
	}
	if fmt.Sprint(m.started) != fmt.Sprint(expected) {
		t.Fatalf("started %v\nwant    %v", m.started, expected)
	}
}

// A purchase that cannot be started, or a query that fails, does not stop the other starts.
func TestFailureDoesNotStopTheOthers(t *testing.T) {
	noReply := errors.New("it does not answer")
	for _, c := range []struct {
		name   string
		store  map[string]error
		engine map[string]error
		starts int // of two purchases and one tramite
		fails  bool
	}{
		{"nothing fails", nil, nil, 3, false},
		{"one cannot be started", nil, map[string]error{"a": noReply}, 2, true},
		{"no turns", map[string]error{"TakeTurns": noReply}, nil, 3, true},
		{"no follow-ups", map[string]error{"TakeTramites": noReply}, nil, 3, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, m := fresh(&queue{turns: []compras.Turn{turn("a"), turn("b")}, failure: c.store, tramites: []compras.Tramite{{SolicitudCompra: turn("c"), Tipo: compra.TramiteDespacho}}})
			m.failure = c.engine
			if err := a.admit(t.Context()); (err != nil) != c.fails || m.howMany() != c.starts {
				t.Fatalf("started %v: %v", m.started, err)
			}
		})
	}
}

// The admission looks at its start, at each call of Notify, and at each round. A call during a look is not lost.
func TestRun(t *testing.T) {
	for name, round := range map[string]time.Duration{"told": time.Hour, "by itself": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			c := &queue{}
			a, m := fresh(c)
			a.settings.Round = round
			ctx, stop := context.WithCancel(t.Context())
			var end sync.WaitGroup
			end.Go(func() { a.Run(ctx) })
			for n := 1; n <= 5; n++ {
				c.put(turn(fmt.Sprint(n)))
				if name == "told" {
					for range 100 { // Notify does not block, however often it is called
						a.Notify()
					}
				}
				for m.howMany() < n {
					time.Sleep(time.Millisecond)
				}
			}
			stop()
			end.Wait()
			if c.looks() < 5 {
				t.Errorf("it looked %d times", c.looks())
			}
		})
	}
}

func TestWakesUp(t *testing.T) {
	c := &queue{asleep: []string{"a", "b", "c"}}
	a, m := fresh(c)
	m.failure["a"] = errors.New("it does not answer") // a later sweep wakes the workflow again
	if err := a.Sweep(t.Context()); err != nil || !slices.Equal(m.woken, []string{"a", "b", "c"}) {
		t.Fatalf("woke %v: %v", m.woken, err)
	}
	c.failure = map[string]error{"AwaitingWakeup": errors.New("it does not answer")}
	if err := a.Sweep(t.Context()); err == nil {
		t.Error("the failure is not returned")
	}
}

// Failure prevented: the client closes its connection when its decision is stored, and the workflow is not woken until the
// sweep.
func TestWakesUpThoughTheDeciderLeaves(t *testing.T) {
	a, m := fresh(&queue{})
	ctx, leave := context.WithCancel(t.Context())
	leave()
	a.Wake(ctx, "a")
	if !slices.Equal(m.woken, []string{"a"}) {
		t.Errorf("woke %v", m.woken)
	}
}
