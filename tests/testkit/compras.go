package testkit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/tests/client"
)

// Comprar sends a purchase and gives its id.
func (s *System) Comprar(t *testing.T, c contracts.SolicitudCompra, headers ...client.Header) string {
	t.Helper()
	accepted, err := s.BFF.Comprar(t.Context(), c, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return accepted.ID
}

// ComprarMany sends n purchases, so many at once, and gives their ids in order. each makes the i-th one.
func (s *System) ComprarMany(t *testing.T, n, atOnce int, each func(i int) contracts.SolicitudCompra) []string {
	t.Helper()
	ids, numbers := make([]string, n), make(chan int)
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for i := range numbers {
				accepted, err := s.BFF.Comprar(t.Context(), each(i))
				if err != nil {
					t.Errorf("compra %d: %v", i, err)
				}
				ids[i] = accepted.ID
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return ids
}

// Wait reads the purchase until it is in one of the states. One that rests in another fails the test at once.
func (s *System) Wait(t *testing.T, id string, estados ...contracts.Estado) contracts.Compra {
	t.Helper()
	var c contracts.Compra
	Until(t, fmt.Sprintf("%s en %v", id, estados), func(ctx context.Context) (ready bool, err error) {
		loaded, err := s.BFF.Load(ctx, id)
		if err != nil {
			return false, err
		}
		c = loaded
		if c.Estado.AtRest() && !slices.Contains(estados, c.Estado) && !canProceed(c.Estado, estados) {
			t.Fatalf("la compra %s quedó %s (%s), se esperaba %v; historia: %v", id, c.Estado, c.Motivo, estados, Steps(c))
		}
		return slices.Contains(estados, c.Estado), nil
	})
	return c
}

// canProceed tells that a CONFIRMADA can still become what is waited for.
func canProceed(e contracts.Estado, estados []contracts.Estado) bool {
	return e == contracts.EstadoConfirmada &&
		(slices.Contains(estados, contracts.EstadoDespachada) || slices.Contains(estados, contracts.EstadoCancelada))
}

// Steps are the steps of the purchase's history, in order.
func Steps(c contracts.Compra) []string {
	var steps []string
	for _, h := range c.Historia {
		steps = append(steps, h.Paso)
	}
	return steps
}

// AllAtRest waits until none of the purchases goes on by itself, and tells how many ended in each state.
func (s *System) AllAtRest(t *testing.T, deadline time.Duration, ids []string) map[contracts.Estado]int {
	t.Helper()
	type row struct {
		Estado contracts.Estado
		N      int
	}
	var howMany map[contracts.Estado]int
	UntilWithin(t, deadline, "todas en reposo", func(ctx context.Context) (bool, error) {
		rows, err := client.Rows[row](ctx, s.ManagerDatabase, `select estado, count(*)::int as n from compra where id = any($1) group by estado`, ids)
		if err != nil {
			return false, err
		}
		howMany = map[contracts.Estado]int{}
		atRestCount := 0
		for _, f := range rows {
			howMany[f.Estado] = f.N
			if f.Estado.AtRest() {
				atRestCount += f.N
			}
		}
		if atRestCount < len(ids) {
			return false, fmt.Errorf("de %d: %v", len(ids), howMany)
		}
		return true, nil
	})
	return howMany
}

// AllIn waits until all purchases are in the state, and tells how many are.
func (s *System) AllIn(t *testing.T, estado contracts.Estado, ids []string) int {
	t.Helper()
	n := 0
	Until(t, fmt.Sprintf("%d compras %s", len(ids), estado), func(ctx context.Context) (bool, error) {
		var err error
		n, err = client.One[int](ctx, s.ManagerDatabase, `select count(*) from compra where id = any($1) and estado = $2`, ids, estado)
		return n == len(ids), errors.Join(err, fmt.Errorf("van %d", n))
	})
	return n
}

// Concurrently runs what is given at once, and gives their errors in order.
func Concurrently(act ...func() error) []error {
	errs, begin := make([]error, len(act)), make(chan struct{})
	var group sync.WaitGroup
	for i, f := range act {
		group.Go(func() {
			<-begin
			errs[i] = f()
		})
	}
	close(begin)
	group.Wait()
	return errs
}
