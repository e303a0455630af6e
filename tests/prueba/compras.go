package prueba

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/tests/cliente"
)

// Comprar sends a purchase and gives its id.
func (s *Sistema) Comprar(t *testing.T, c contracts.SolicitudCompra, cabeceras ...cliente.Cabecera) string {
	t.Helper()
	aceptada, err := s.BFF.Comprar(t.Context(), c, cabeceras...)
	if err != nil {
		t.Fatal(err)
	}
	return aceptada.ID
}

// ComprarMuchas sends n purchases, so many at once, and gives their ids in order. cada makes the i-th one.
func (s *Sistema) ComprarMuchas(t *testing.T, n, aLaVez int, cada func(i int) contracts.SolicitudCompra) []string {
	t.Helper()
	ids, numeros := make([]string, n), make(chan int)
	var grupo sync.WaitGroup
	for range aLaVez {
		grupo.Go(func() {
			for i := range numeros {
				aceptada, err := s.BFF.Comprar(t.Context(), cada(i))
				if err != nil {
					t.Errorf("compra %d: %v", i, err)
				}
				ids[i] = aceptada.ID
			}
		})
	}
	for i := range n {
		numeros <- i
	}
	close(numeros)
	grupo.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return ids
}

// Espera reads the purchase until it is in one of the states. One that rests in another fails the test at once.
func (s *Sistema) Espera(t *testing.T, id string, estados ...contracts.Estado) contracts.Compra {
	t.Helper()
	var c contracts.Compra
	Hasta(t, fmt.Sprintf("%s en %v", id, estados), func(ctx context.Context) (listo bool, err error) {
		leida, err := s.BFF.Leer(ctx, id)
		if err != nil {
			return false, err
		}
		c = leida
		if c.Estado.Reposa() && !slices.Contains(estados, c.Estado) && !puedeSeguir(c.Estado, estados) {
			t.Fatalf("la compra %s quedó %s (%s), se esperaba %v; historia: %v", id, c.Estado, c.Motivo, estados, Pasos(c))
		}
		return slices.Contains(estados, c.Estado), nil
	})
	return c
}

// puedeSeguir tells that a CONFIRMADA can still become what is waited for.
func puedeSeguir(e contracts.Estado, estados []contracts.Estado) bool {
	return e == contracts.EstadoConfirmada &&
		(slices.Contains(estados, contracts.EstadoDespachada) || slices.Contains(estados, contracts.EstadoCancelada))
}

// Pasos are the steps of the purchase's history, in order.
func Pasos(c contracts.Compra) []string {
	var pasos []string
	for _, h := range c.Historia {
		pasos = append(pasos, h.Paso)
	}
	return pasos
}

// TodasReposan waits until none of the purchases goes on by itself, and tells how many ended in each state.
func (s *Sistema) TodasReposan(t *testing.T, plazo time.Duration, ids []string) map[contracts.Estado]int {
	t.Helper()
	type fila struct {
		Estado contracts.Estado
		N      int
	}
	var cuantas map[contracts.Estado]int
	HastaEn(t, plazo, "todas en reposo", func(ctx context.Context) (bool, error) {
		filas, err := cliente.Filas[fila](ctx, s.BaseGestor, `select estado, count(*)::int as n from compra where id = any($1) group by estado`, ids)
		if err != nil {
			return false, err
		}
		cuantas = map[contracts.Estado]int{}
		reposan := 0
		for _, f := range filas {
			cuantas[f.Estado] = f.N
			if f.Estado.Reposa() {
				reposan += f.N
			}
		}
		if reposan < len(ids) {
			return false, fmt.Errorf("de %d: %v", len(ids), cuantas)
		}
		return true, nil
	})
	return cuantas
}

// TodasEn waits until all purchases are in the state, and tells how many are.
func (s *Sistema) TodasEn(t *testing.T, estado contracts.Estado, ids []string) int {
	t.Helper()
	n := 0
	Hasta(t, fmt.Sprintf("%d compras %s", len(ids), estado), func(ctx context.Context) (bool, error) {
		var err error
		n, err = cliente.Uno[int](ctx, s.BaseGestor, `select count(*) from compra where id = any($1) and estado = $2`, ids, estado)
		return n == len(ids), errors.Join(err, fmt.Errorf("van %d", n))
	})
	return n
}

// ALaVez runs what is given at once, and gives their errors in order.
func ALaVez(hacer ...func() error) []error {
	errs, salida := make([]error, len(hacer)), make(chan struct{})
	var grupo sync.WaitGroup
	for i, f := range hacer {
		grupo.Go(func() {
			<-salida
			errs[i] = f()
		})
	}
	close(salida)
	grupo.Wait()
	return errs
}
