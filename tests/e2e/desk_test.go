package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// result is the result of one of many things.
type result struct {
	ID, Estado string
	Problema   *client.Problem
}

// askMany sends a request about many things and returns their results.
func askMany(t *testing.T, s *System, path string, body any) ([]result, error) {
	t.Helper()
	r, err := s.BFF.Request(t.Context(), http.MethodPost, path, body)
	if err != nil {
		return nil, err
	}
	if r.Status != http.StatusOK {
		return nil, r.Problem()
	}
	var told struct{ Resultados []result }
	return told.Resultados, json.Unmarshal(r.Body, &told)
}

// Two operators dispatch the same 60 orders at once, two of which are cancelled. Each order leaves the warehouse once, and both
// operators get the true result of each.
func TestTwoOperatorsDispatchTheSameOrders(t *testing.T) {
	t.Parallel()
	const n = 60
	s := Open(t)
	s.Restock(t, map[string]int{"5": 2 * n})
	ids := s.ComprarMany(t, n, 10, func(i int) contracts.SolicitudCompra {
		return contracts.SolicitudCompra{IDUsuario: fmt.Sprintf("%s-%d", Usuario(t), i%5), Productos: []contracts.Linea{Linea("5", 1)}, Domicilio: i%2 == 0}
	})
	s.AllIn(t, contracts.EstadoConfirmada, ids)
	orders := make([]string, n)
	for i, id := range ids {
		c, err := s.BFF.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		orders[i] = c.IDOrden
	}
	for _, id := range ids[:2] {
		if _, err := s.BFF.Cancelar(t.Context(), id, "Ya no."); err != nil {
			t.Fatal(err)
		}
		s.Wait(t, id, contracts.EstadoCancelada)
	}
	body := contracts.Despachos{IDs: orders}
	got := make([][]result, 2)
	for i, err := range Concurrently(
		func() (err error) { got[0], err = askMany(t, s, "/ordenes/despachos", body); return err },
		func() (err error) { got[1], err = askMany(t, s, "/ordenes/despachos", body); return err },
	) {
		if err != nil || len(got[i]) != n {
			t.Fatalf("operator %d: %d results, %v", i, len(got[i]), err)
		}
		for k, r := range got[i] {
			if cancelled := k < 2; r.ID != orders[k] || cancelled != (r.Problema != nil && r.Problema.Status == http.StatusConflict) || cancelled == (r.Estado == string(contracts.EstadoOrdenDespachada)) {
				t.Errorf("operator %d, order %d: %+v", i, k, r)
			}
		}
	}
	s.AllIn(t, contracts.EstadoDespachada, ids[2:])
	s.Balanced(t, ids)
}
