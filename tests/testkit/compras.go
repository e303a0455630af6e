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

// Comprar sends a purchase and returns its id.
func (s *System) Comprar(t *testing.T, c contracts.SolicitudCompra, headers ...client.Header) string {
	t.Helper()
	accepted, err := s.BFF.Comprar(t.Context(), c, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return accepted.ID
}

// ComprarMany sends n purchases, atOnce at the same time, and returns their ids in order. The function each returns the i-th purchase.
func (s *System) ComprarMany(t *testing.T, n, atOnce int, each func(i int) contracts.SolicitudCompra) []string {
	t.Helper()
	ids, numbers := make([]string, n), make(chan int)
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for i := range numbers {
				accepted, err := s.BFF.Comprar(t.Context(), each(i))
				if err != nil {
					t.Errorf("purchase %d: %v", i, err)
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

// Wait polls the purchase until it is in one of the states, and returns it. It fails the test when the purchase ends in another state.
func (s *System) Wait(t *testing.T, id string, estados ...contracts.Estado) contracts.Compra {
	t.Helper()
	var c contracts.Compra
	Until(t, fmt.Sprintf("%s in %v", id, estados), func(ctx context.Context) (ready bool, err error) {
		loaded, err := s.BFF.Load(ctx, id)
		if err != nil {
			return false, err
		}
		c = loaded
		if c.Estado.AtRest() && !slices.Contains(estados, c.Estado) && !canProceed(c.Estado, estados) {
			t.Fatalf("purchase %s ended %s (%s), want %v; history: %v", id, c.Estado, c.Motivo, estados, Steps(c))
		}
		return slices.Contains(estados, c.Estado), nil
	})
	return c
}

// canProceed reports whether a confirmed purchase can still enter one of the states.
func canProceed(e contracts.Estado, estados []contracts.Estado) bool {
	return e == contracts.EstadoConfirmada &&
		(slices.Contains(estados, contracts.EstadoDespachada) || slices.Contains(estados, contracts.EstadoCancelada))
}

// Steps returns the names of the steps in the history of a purchase, in order.
func Steps(c contracts.Compra) []string {
	var steps []string
	for _, h := range c.Historia {
		steps = append(steps, h.Paso)
	}
	return steps
}

// AllAtRest waits until every purchase is in a state that it does not leave by itself. It returns how many are in each state.
func (s *System) AllAtRest(t *testing.T, deadline time.Duration, ids []string) map[contracts.Estado]int {
	t.Helper()
	type row struct {
		Estado contracts.Estado
		N      int
	}
	var howMany map[contracts.Estado]int
	UntilWithin(t, deadline, "all purchases at rest", func(ctx context.Context) (bool, error) {
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
			return false, fmt.Errorf("of %d: %v", len(ids), howMany)
		}
		return true, nil
	})
	return howMany
}

// AllIn waits until all purchases are in the state, and returns their number.
func (s *System) AllIn(t *testing.T, estado contracts.Estado, ids []string) int {
	t.Helper()
	n := 0
	Until(t, fmt.Sprintf("%d purchases %s", len(ids), estado), func(ctx context.Context) (bool, error) {
		var err error
		n, err = client.One[int](ctx, s.ManagerDatabase, `select count(*) from compra where id = any($1) and estado = $2`, ids, estado)
		return n == len(ids), errors.Join(err, fmt.Errorf("so far %d", n))
	})
	return n
}

// Concurrently calls the functions at the same time and returns their errors in order.
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
