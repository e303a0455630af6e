package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// A hundred confirmed purchases are dispatched and cancelled at the same time. ordenes decides which of the two wins. Both responses
// and the three databases agree with that decision.
func TestDespachoAgainstCancelacion(t *testing.T) {
	s := ForBreaking(t)
	ids := comprarSeveral(t, s, 100)
	s.AllConfirmed(t, deadlineAfterCrash, ids)
	answers := make([][]error, len(ids))
	for batch := range slices.Chunk(indices(len(ids)), 20) {
		var act []func() error
		for _, i := range batch {
			act = append(act, func() error {
				answers[i] = despachoAndCancelacion(t, s, ids[i], time.Duration(i%8)*150*time.Millisecond)
				return nil
			})
		}
		Concurrently(act...)
	}
	howMany := waitForFinals(t, s, ids)
	if howMany[contracts.EstadoDespachada]+howMany[contracts.EstadoCancelada] != len(ids) || len(howMany) < 2 {
		t.Errorf("they ended %v; want some dispatched and some cancelled", howMany)
	}
	for i, id := range ids {
		c, err := s.BFF.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		despacho, cancelacion := answers[i][0], answers[i][1]
		dispatched, cancelled := c.Estado == contracts.EstadoDespachada, c.Estado == contracts.EstadoCancelada
		if dispatched != (despacho == nil) && !unknown(despacho) || cancelled && cancelacion != nil && !unknown(cancelacion) {
			t.Errorf("%s is %s, and the answers were: dispatch %v, cancel %v", id, c.Estado, despacho, cancelacion)
		}
	}
	s.Balanced(t, ids)
	t.Logf("%v", howMany)
}

// unknown reports whether the response is a 504: on a busy machine the bff may not learn in time whether the change was made.
func unknown(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && p.Status == http.StatusGatewayTimeout
}

// indices returns 0 to n-1.
func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// despachoAndCancelacion cancels a purchase, and dispatches it headStart later. The dispatch takes less time: without this head start
// it would win every time.
func despachoAndCancelacion(t *testing.T, s *System, id string, headStart time.Duration) []error {
	c, err := s.BFF.Load(t.Context(), id)
	if err != nil {
		return []error{err, err}
	}
	return Concurrently(
		func() error { time.Sleep(headStart); _, err := s.BFF.Despachar(t.Context(), c.IDOrden); return err },
		func() error { _, err := s.BFF.Cancelar(t.Context(), id, "Ya no."); return err },
	)
}

// waitForFinals waits until no purchase can change any more, and returns how many are in each state.
func waitForFinals(t *testing.T, s *System, ids []string) map[contracts.Estado]int {
	t.Helper()
	type row struct {
		Estado contracts.Estado
		N      int
	}
	howMany := map[contracts.Estado]int{}
	UntilWithin(t, deadlineAfterCrash, "all purchases at their end", func(ctx context.Context) (bool, error) {
		rows, err := client.Rows[row](ctx, s.ManagerDatabase, `select estado, count(*)::int as n from compra where id = any($1) group by estado`, ids)
		if err != nil {
			return false, err
		}
		clear(howMany)
		for _, f := range rows {
			howMany[f.Estado] = f.N
		}
		finals := howMany[contracts.EstadoDespachada] + howMany[contracts.EstadoCancelada] + howMany[contracts.EstadoRechazada] + howMany[contracts.EstadoFallida]
		return finals == len(ids), fmt.Errorf("so far %v", howMany)
	})
	return howMany
}
