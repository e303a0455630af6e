package e2e

import (
	"fmt"
	"testing"

	"entregas/contracts"
	. "entregas/tests/prueba"
)

// 200 purchases at once, of many customers and products, some of which cannot be had: every one ends, and nothing is
// lost, made up or done twice.
func TestMuchasALaVez(t *testing.T) {
	const n = 200
	s := Abrir(t)
	minimos := map[string]int{}
	for i := 1; i <= 12; i++ {
		minimos[fmt.Sprint(i)] = 3 * n
	}
	s.Surtir(t, minimos)
	usuario := Usuario(t)
	imposibles := 0
	ids := s.ComprarMuchas(t, n, n, func(i int) contracts.SolicitudCompra {
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
			imposibles++
		}
	}
	cuantas := s.TodasReposan(t, Plazo, ids)
	if cuantas[contracts.EstadoConfirmada] != n-imposibles || cuantas[contracts.EstadoRechazada] != imposibles {
		t.Errorf("terminaron %v; se esperaban %d confirmadas y %d rechazadas", cuantas, n-imposibles, imposibles)
	}
	s.Cuadran(t, ids)
}

// The last units are wanted by many: exactly so many get one as there are.
func TestUltimasUnidades(t *testing.T) {
	const producto, quieren = "15", 40
	s := Abrir(t)
	s.Surtir(t, map[string]int{producto: 7})
	hay, err := s.BFF.Producto(t.Context(), producto)
	if err != nil {
		t.Fatal(err)
	}
	usuario := Usuario(t)
	ids := s.ComprarMuchas(t, max(quieren, 2*hay.Cantidad), quieren, func(i int) contracts.SolicitudCompra {
		return contracts.SolicitudCompra{IDUsuario: fmt.Sprintf("%s-%d", usuario, i), Productos: []contracts.Linea{Linea(producto, 1)}, Domicilio: i%2 == 0}
	})
	cuantas := s.TodasReposan(t, Plazo, ids)
	if cuantas[contracts.EstadoConfirmada] != hay.Cantidad || cuantas[contracts.EstadoRechazada] != len(ids)-hay.Cantidad {
		t.Errorf("había %d para %d y terminaron %v", hay.Cantidad, len(ids), cuantas)
	}
	for _, id := range ids {
		if c, err := s.BFF.Leer(t.Context(), id); err != nil || (c.Estado == contracts.EstadoRechazada && (len(c.Faltantes) != 1 || c.Motivo == "")) {
			t.Errorf("%s no dice qué faltó: %+v, %v", id, c, err)
		}
	}
	s.Cuadran(t, ids)
}
