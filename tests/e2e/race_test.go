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

// Dispatch and cancellation of a confirmed purchase at once, a hundred times: ordenes decides, both are told the same, and
// all three databases agree.
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
		t.Errorf("terminaron %v; se esperaban despachadas y canceladas, de las dos", howMany)
	}
	for i, id := range ids {
		c, err := s.BFF.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		despacho, cancelacion := answers[i][0], answers[i][1]
		dispatched, cancelled := c.Estado == contracts.EstadoDespachada, c.Estado == contracts.EstadoCancelada
		if dispatched != (despacho == nil) && !unknown(despacho) || cancelled && cancelacion != nil && !unknown(cancelacion) {
			t.Errorf("%s quedó %s, y respondieron: despachar %v, cancelar %v", id, c.Estado, despacho, cancelacion)
		}
	}
	s.Balanced(t, ids)
	t.Logf("%v", howMany)
}

// unknown tells that an answer came too late to say whether it was done, as it may on a busy machine, and says so.
func unknown(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && p.Status == http.StatusGatewayTimeout
}

func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// despachoAndCancelacion lets both go at once. The dispatch is the shorter way, so in some it starts a little later: else
// it would always win.
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

// waitForFinals waits until no purchase can change any more, and tells how many ended in each state.
func waitForFinals(t *testing.T, s *System, ids []string) map[contracts.Estado]int {
	t.Helper()
	type row struct {
		Estado contracts.Estado
		N      int
	}
	howMany := map[contracts.Estado]int{}
	UntilWithin(t, deadlineAfterCrash, "todas en su final", func(ctx context.Context) (bool, error) {
		rows, err := client.Rows[row](ctx, s.ManagerDatabase, `select estado, count(*)::int as n from compra where id = any($1) group by estado`, ids)
		if err != nil {
			return false, err
		}
		clear(howMany)
		for _, f := range rows {
			howMany[f.Estado] = f.N
		}
		finals := howMany[contracts.EstadoDespachada] + howMany[contracts.EstadoCancelada] + howMany[contracts.EstadoRechazada] + howMany[contracts.EstadoFallida]
		return finals == len(ids), fmt.Errorf("van %v", howMany)
	})
	return howMany
}
