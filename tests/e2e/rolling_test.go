package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"entregas/contracts"
	"entregas/tests/balancer"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// Two replicas of the bff stand behind one address and are restarted one after the other under load. Every request is sent once, and
// none is refused.
func TestARollingRestartRefusesNothing(t *testing.T) {
	s := ForBreaking(t)
	s.Restock(t, map[string]int{"1": 2000})
	s.Run(t, "start", "bff-2")
	t.Cleanup(func() { s.Run(t, "stop", "bff-2") })
	addresses, err := s.Local.AppsOf(t.Context(), "bff")
	if err != nil || len(addresses) != 2 {
		t.Fatalf("replicas of the bff: %v, %v", addresses, err)
	}
	door, err := balancer.Open(t.Context(), addresses...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(door.Close)
	bff, err := s.Env.Through(door.URL)
	if err != nil {
		t.Fatal(err)
	}
	load := &onceLoad{bff: bff, user: Usuario(t)}
	stop := load.start(t.Context(), 4)
	for _, replica := range []string{"bff", "bff-2"} {
		before := load.sent.Load()
		s.Run(t, "restart", replica)
		Until(t, "both replicas ready, under load", func(context.Context) (bool, error) {
			return door.Ready() == 2 && load.sent.Load() > before+20, nil
		})
	}
	stop()
	t.Logf("%d requests, %d purchases", load.sent.Load(), len(load.ids))
	for _, e := range load.refused {
		t.Error(e)
	}
	s.AllConfirmed(t, Deadline, load.ids)
}

// onceLoad is a load that buys, reads and lists. It sends every request once and records the refused requests.
type onceLoad struct {
	bff     *client.Client
	user    string
	sent    atomic.Int64
	mu      sync.Mutex
	ids     []string
	refused []string
}

// start starts the customers. The function that it returns stops them and waits for them.
func (l *onceLoad) start(ctx context.Context, customers int) (stop func()) {
	going, end := context.WithCancel(ctx)
	var group sync.WaitGroup
	for i := range customers {
		group.Go(func() {
			for n := 0; going.Err() == nil; n++ {
				l.one(ctx, fmt.Sprintf("%s-%d-%d", l.user, i, n/20)) // with ctx, not going: a customer finishes the purchase that they began
			}
		})
	}
	return func() { end(); group.Wait() }
}

func (l *onceLoad) one(ctx context.Context, user string) {
	accepted, err := l.bff.Comprar(ctx, contracts.SolicitudCompra{IDUsuario: user, Productos: []contracts.Linea{Linea("1", 1)}})
	l.note("buy", err)
	if err != nil {
		return
	}
	l.mu.Lock()
	l.ids = append(l.ids, accepted.ID)
	l.mu.Unlock()
	for _, path := range []string{"/compras/" + accepted.ID, "/usuarios/" + user + "/compras", "/productos"} {
		r, err := l.bff.Request(ctx, http.MethodGet, path, nil)
		if err == nil && r.Status != http.StatusOK {
			err = r.Problem()
		}
		l.note(path, err)
	}
}

func (l *onceLoad) note(what string, err error) {
	l.sent.Add(1)
	if err == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = append(l.refused, fmt.Sprintf("%s: %v", what, err))
}
