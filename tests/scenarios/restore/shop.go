package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/tests/client"
	"entregas/tests/scenarios/common"
)

// acceptance is a purchase that the bff answered with 202, and when.
type acceptance struct {
	id string
	at time.Time
}

// shop is a number of customers and an operator who buy, cancel, approve and dispatch until the shop closes.
type shop struct {
	stop  context.CancelFunc
	group sync.WaitGroup
	mu    sync.Mutex
	all   []acceptance
	err   error // a refusal that is not the customer's fault
}

// open starts the customers.
func open(ctx context.Context, e *common.Scenario, customers int) *shop {
	ctx, stop := context.WithCancel(ctx)
	s := &shop{stop: stop}
	for i := range customers {
		s.group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				s.one(ctx, e.BFF, fmt.Sprintf("%s-%d-%d", e.RunName, i, n/40), n)
			}
		})
	}
	return s
}

// close stops the customers. They keep the ids that they got.
func (s *shop) close() error {
	s.stop()
	s.group.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return errors.Join(errors.New("no purchase was accepted"), s.err)
	}
	return nil
}

// one buys once. Of ten purchases one is for more than there is, one is large, two are cancelled and two are dispatched.
func (s *shop) one(ctx context.Context, bff *client.Client, usuario string, n int) {
	kind, units := n%10, 1+n%3
	switch kind {
	case 0:
		units = contracts.MaxCantidad
	case 1:
		units = 101
	}
	request := contracts.SolicitudCompra{
		ID: uuid.Must(uuid.NewV7()).String(), IDUsuario: usuario, Domicilio: n%2 == 0,
		Productos: []contracts.Linea{{IDProducto: "1", Cantidad: units}, {IDProducto: "2", Cantidad: 1}},
	}
	if _, err := bff.Comprar(ctx, request); err != nil {
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
		_ = sleep(ctx, 100*time.Millisecond) // everything may be down already
		return
	}
	s.mu.Lock()
	s.all = append(s.all, acceptance{request.ID, time.Now()})
	s.mu.Unlock()
	if err := sleep(ctx, rand.N(400*time.Millisecond)); err != nil {
		return
	}
	// The outcome does not matter: the audit compares the books, whatever was done.
	switch kind {
	case 1:
		if n%20 == 1 {
			_, _ = bff.Decide(ctx, request.ID, true, "")
		}
	case 2, 3:
		_, _ = bff.Cancelar(ctx, request.ID, "")
	case 4, 5:
		for range 40 {
			if c, err := bff.Load(ctx, request.ID); err == nil && c.IDOrden != "" {
				_, _ = bff.Despachar(ctx, c.IDOrden)
				return
			}
			_ = sleep(ctx, 100*time.Millisecond)
		}
	}
}

// ids returns the purchases that were accepted from one instant to another.
func (s *shop) ids(from, to time.Time) (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.all {
		if !a.at.Before(from) && a.at.Before(to) {
			ids = append(ids, a.id)
		}
	}
	return ids
}

func (s *shop) accepted(from, to time.Time) int { return len(s.ids(from, to)) }

// compare prints what the restored instance has of the purchases around the backup. It returns an error when one of before is missing, or
// when the bff does not say of a lost one that it does not exist.
func (s *shop) compare(ctx context.Context, e *common.Scenario, begun, ended, lost time.Time) error {
	exist := func(ids []string) (int, error) {
		return client.One[int](ctx, e.Manager, `select count(*)::int from compra where id = any($1)`, ids)
	}
	counts := map[string][2]int{}
	for name, span := range map[string][2]time.Time{"before": {{}, begun}, "during": {begun, ended}, "after": {ended, time.Now()}} {
		ids := s.ids(span[0], span[1])
		n, err := exist(ids)
		if err != nil {
			return err
		}
		counts[name] = [2]int{n, len(ids)}
	}
	b, d, a := counts["before"], counts["during"], counts["after"]
	e.Say("of the purchases that were accepted before, during and after the backup exist %d of %d, %d of %d, %d of %d; the loss came %.1f s after the backup",
		b[0], b[1], d[0], d[1], a[0], a[1], lost.Sub(ended).Seconds())
	if b[0] != b[1] {
		return fmt.Errorf("%d purchases of before the backup are missing", b[1]-b[0])
	}
	gone := 0
	for _, id := range s.ids(ended, time.Now()) {
		_, err := e.BFF.Load(ctx, id)
		if missing(err) {
			gone++
		} else if err != nil {
			return err
		}
	}
	if gone != a[1]-a[0] {
		return fmt.Errorf("the bff says of %d purchases that they do not exist, and %d are missing", gone, a[1]-a[0])
	}
	e.Say("the bff answers 404 for the %d purchases that are lost", gone)
	return nil
}
