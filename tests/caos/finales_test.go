package caos

import (
	"context"
	"fmt"
	"testing"

	"entregas/contracts"
	"entregas/tests/cliente"
	. "entregas/tests/prueba"
)

// esperarFinales waits until no purchase can change any more, and tells how many ended in each state.
func esperarFinales(t *testing.T, s *Sistema, ids []string) map[contracts.Estado]int {
	t.Helper()
	type fila struct {
		Estado contracts.Estado
		N      int
	}
	cuantas := map[contracts.Estado]int{}
	HastaEn(t, plazo, "todas en su final", func(ctx context.Context) (bool, error) {
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
