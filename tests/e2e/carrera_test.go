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
	"entregas/tests/cliente"
	. "entregas/tests/prueba"
)

// Dispatch and cancellation of a confirmed purchase at once, a hundred times: ordenes decides, both are told the same, and
// all three databases agree.
func TestDespachoContraCancelacion(t *testing.T) {
	s := ParaRomper(t)
	ids := comprarVarias(t, s, 100)
	s.TodasConfirmadas(t, plazoTrasCaida, ids)
	answers := make([][]error, len(ids))
	for tanda := range slices.Chunk(indices(len(ids)), 20) {
		var hacer []func() error
		for _, i := range tanda {
			hacer = append(hacer, func() error {
				answers[i] = despachoYCancelacion(t, s, ids[i], time.Duration(i%8)*150*time.Millisecond)
				return nil
			})
		}
		ALaVez(hacer...)
	}
	cuantas := esperarFinales(t, s, ids)
	if cuantas[contracts.EstadoDespachada]+cuantas[contracts.EstadoCancelada] != len(ids) || len(cuantas) < 2 {
		t.Errorf("terminaron %v; se esperaban despachadas y canceladas, de las dos", cuantas)
	}
	for i, id := range ids {
		c, err := s.BFF.Leer(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		despacho, cancelacion := answers[i][0], answers[i][1]
		dispatched, cancelled := c.Estado == contracts.EstadoDespachada, c.Estado == contracts.EstadoCancelada
		if dispatched != (despacho == nil) && !unknown(despacho) || cancelled && cancelacion != nil && !unknown(cancelacion) {
			t.Errorf("%s quedó %s, y respondieron: despachar %v, cancelar %v", id, c.Estado, despacho, cancelacion)
		}
	}
	s.Cuadran(t, ids)
	t.Logf("%v", cuantas)
}

// unknown tells that an answer came too late to say whether it was done, as it may on a busy machine, and says so.
func unknown(err error) bool {
	var p *cliente.Problema
	return errors.As(err, &p) && p.Status == http.StatusGatewayTimeout
}

func indices(n int) []int {
	todos := make([]int, n)
	for i := range todos {
		todos[i] = i
	}
	return todos
}

// despachoYCancelacion lets both go at once. The dispatch is the shorter way, so in some it starts a little later: else
// it would always win.
func despachoYCancelacion(t *testing.T, s *Sistema, id string, ventaja time.Duration) []error {
	c, err := s.BFF.Leer(t.Context(), id)
	if err != nil {
		return []error{err, err}
	}
	return ALaVez(
		func() error { time.Sleep(ventaja); _, err := s.BFF.Despachar(t.Context(), c.IDOrden); return err },
		func() error { _, err := s.BFF.Cancelar(t.Context(), id, "Ya no."); return err },
	)
}

// esperarFinales waits until no purchase can change any more, and tells how many ended in each state.
func esperarFinales(t *testing.T, s *Sistema, ids []string) map[contracts.Estado]int {
	t.Helper()
	type fila struct {
		Estado contracts.Estado
		N      int
	}
	cuantas := map[contracts.Estado]int{}
	HastaEn(t, plazoTrasCaida, "todas en su final", func(ctx context.Context) (bool, error) {
		filas, err := cliente.Filas[fila](ctx, s.BaseGestor, `select estado, count(*)::int as n from compra where id = any($1) group by estado`, ids)
		if err != nil {
			return false, err
		}
		clear(cuantas)
		for _, f := range filas {
			cuantas[f.Estado] = f.N
		}
		finales := cuantas[contracts.EstadoDespachada] + cuantas[contracts.EstadoCancelada] + cuantas[contracts.EstadoRechazada] + cuantas[contracts.EstadoFallida]
		return finales == len(ids), fmt.Errorf("van %v", cuantas)
	})
	return cuantas
}
