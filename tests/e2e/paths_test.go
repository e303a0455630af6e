// Package e2e holds the whole running system to its word, from outside.
package e2e

import (
	"slices"
	"testing"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

func TestConfirmedCompra(t *testing.T) {
	s := Open(t)
	s.Restock(t, map[string]int{"3": 10, "4": 10})
	for _, domicilio := range []bool{false, true} {
		requested := contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("4", 2), Linea("3", 1)}, Domicilio: domicilio}
		c := s.Wait(t, s.Comprar(t, requested), contracts.EstadoConfirmada)
		steps := []string{"RECIBIDA", "INICIADA", "PRODUCTOS_VALIDOS", "PRODUCTOS_RESERVADOS", "CONFIRMADA"}
		if !slices.Equal(Steps(c), steps) {
			t.Errorf("historia %v, se esperaba %v", Steps(c), steps)
		}
		for i, h := range c.Historia {
			if h.Numero != i+1 || h.Tipo == "" || h.Detalle == "" || (i > 0 && h.En.Before(c.Historia[i-1].En)) {
				t.Errorf("la entrada %d de la historia no sigue a la anterior: %+v", i+1, h)
			}
		}
		if c.IDUsuario != requested.IDUsuario || c.Domicilio != domicilio || !slices.Equal(c.Productos, requested.Productos) || c.Motivo != "" || len(c.Faltantes) > 0 {
			t.Errorf("no es la que se pidió: %+v", c)
		}
		s.Balanced(t, []string{c.ID})
		page, err := s.BFF.OfUsuario(t.Context(), requested.IDUsuario, 10, "")
		if err != nil || len(page.Compras) != 1 || page.Compras[0].ID != c.ID {
			t.Errorf("la lista del usuario: %+v, %v", page, err)
		}
	}
}

func TestWithoutExistencias(t *testing.T) {
	s := Open(t)
	s.Restock(t, map[string]int{"3": 10})
	found, err := s.BFF.Producto(t.Context(), "14")
	if err != nil {
		t.Fatal(err)
	}
	missing := []contracts.Faltante{
		{IDProducto: "14", Solicitada: found.Cantidad + 2, Disponible: found.Cantidad},
		{IDProducto: "no-existe", Solicitada: 1, Disponible: 0},
	}
	c := s.Wait(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{
		Linea("14", found.Cantidad+2), Linea("3", 1), Linea("no-existe", 1),
	}}), contracts.EstadoRechazada)
	if !slices.Equal(c.Faltantes, missing) || c.Motivo == "" {
		t.Errorf("dice que faltan %+v (%q), y faltan %+v", c.Faltantes, c.Motivo, missing)
	}
	if steps := []string{"RECIBIDA", "INICIADA", "RECHAZADA"}; !slices.Equal(Steps(c), steps) {
		t.Errorf("historia %v, se esperaba %v", Steps(c), steps)
	}
	s.Balanced(t, []string{c.ID})
}

func TestUnknownProducto(t *testing.T) {
	s := Open(t)
	c := s.Wait(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("llama", 1)}}), contracts.EstadoRechazada)
	if len(c.Faltantes) != 1 || c.Faltantes[0] != (contracts.Faltante{IDProducto: "llama", Solicitada: 1, Disponible: 0}) {
		t.Errorf("no nombra el producto desconocido: %+v", c.Faltantes)
	}
	s.Balanced(t, []string{c.ID})
}
