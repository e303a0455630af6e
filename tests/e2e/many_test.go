package e2e

import (
	"fmt"
	"testing"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// 200 purchases of several customers and products come at the same time, and some name a product that does not exist. Every purchase
// ends, and no unit is lost, made up or moved twice.
func TestManyAtOnce(t *testing.T) {
	const n = 200
	s := Open(t)
	minimums := map[string]int{}
	for i := 1; i <= 12; i++ {
		minimums[fmt.Sprint(i)] = 3 * n
	}
	s.Restock(t, minimums)
	usuario := Usuario(t)
	impossible := 0
	ids := s.ComprarMany(t, n, n, func(i int) contracts.SolicitudCompra {
		c := contracts.SolicitudCompra{IDUsuario: fmt.Sprintf("%s-%d", usuario, i%7), Domicilio: i%3 == 0}
		for k := range 1 + i%4 {
			c.Productos = append(c.Productos, Linea(fmt.Sprint(1+(i+3*k)%12), 1+(i+k)%3))
		}
		if i%20 == 0 {
			c.Productos = append(c.Productos, Linea("no-existe", 1))
		}
		return c
	})
	for i := range n {
		if i%20 == 0 {
			impossible++
		}
	}
	howMany := s.AllAtRest(t, Deadline, ids)
	if howMany[contracts.EstadoConfirmada] != n-impossible || howMany[contracts.EstadoRechazada] != impossible {
		t.Errorf("they ended %v; want %d confirmed and %d rejected", howMany, n-impossible, impossible)
	}
	s.Balanced(t, ids)
}

// More customers want the last units than there are. Exactly as many purchases are confirmed as there are units.
func TestLastUnidades(t *testing.T) {
	const producto, wanting = "15", 40
	s := Open(t)
	s.Restock(t, map[string]int{producto: 7})
	found, err := s.BFF.Producto(t.Context(), producto)
	if err != nil {
		t.Fatal(err)
	}
	usuario := Usuario(t)
	ids := s.ComprarMany(t, max(wanting, 2*found.Cantidad), wanting, func(i int) contracts.SolicitudCompra {
		return contracts.SolicitudCompra{IDUsuario: fmt.Sprintf("%s-%d", usuario, i), Productos: []contracts.Linea{Linea(producto, 1)}, Domicilio: i%2 == 0}
	})
	howMany := s.AllAtRest(t, Deadline, ids)
	if howMany[contracts.EstadoConfirmada] != found.Cantidad || howMany[contracts.EstadoRechazada] != len(ids)-found.Cantidad {
		t.Errorf("there were %d units for %d purchases, which ended %v", found.Cantidad, len(ids), howMany)
	}
	for _, id := range ids {
		if c, err := s.BFF.Load(t.Context(), id); err != nil || (c.Estado == contracts.EstadoRechazada && (len(c.Faltantes) != 1 || c.Motivo == "")) {
			t.Errorf("%s does not say what was missing: %+v, %v", id, c, err)
		}
	}
	s.Balanced(t, ids)
}
