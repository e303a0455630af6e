// Package e2e tests the whole running system from outside.
package e2e

import (
	"slices"
	"testing"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// A purchase is confirmed, with and without home delivery. Its history and its content are right, and the list of its customer
// contains it.
func TestConfirmedCompra(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"3": 10, "4": 10})
	for _, domicilio := range []bool{false, true} {
		requested := contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("4", 2), Linea("3", 1)}, Domicilio: domicilio}
		c := s.Wait(t, s.Comprar(t, requested), contracts.EstadoConfirmada)
		steps := []string{"RECIBIDA", "INICIADA", "PRODUCTOS_VALIDOS", "PRODUCTOS_RESERVADOS", "CONFIRMADA"}
		if !slices.Equal(Steps(c), steps) {
			t.Errorf("history %v, want %v", Steps(c), steps)
		}
		for i, h := range c.Historia {
			if h.Numero != i+1 || h.Tipo == "" || h.Detalle == "" || (i > 0 && h.En.Before(c.Historia[i-1].En)) {
				t.Errorf("history entry %d does not follow the one before: %+v", i+1, h)
			}
		}
		if c.IDUsuario != requested.IDUsuario || c.Domicilio != domicilio || !slices.Equal(c.Productos, requested.Productos) || c.Motivo != "" || len(c.Faltantes) > 0 {
			t.Errorf("it is not what was asked for: %+v", c)
		}
		s.Balanced(t, []string{c.ID})
		page, err := s.BFF.OfUsuario(t.Context(), requested.IDUsuario, 10, "")
		if err != nil || len(page.Compras) != 1 || page.Compras[0].ID != c.ID {
			t.Errorf("the list of the customer: %+v, %v", page, err)
		}
	}
}

// A purchase that asks for more than there is ends RECHAZADA and names exactly the missing products.
func TestWithoutExistencias(t *testing.T) {
	t.Parallel()
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
		t.Errorf("it says that %+v are missing (%q), and missing are %+v", c.Faltantes, c.Motivo, missing)
	}
	if steps := []string{"RECIBIDA", "INICIADA", "RECHAZADA"}; !slices.Equal(Steps(c), steps) {
		t.Errorf("history %v, want %v", Steps(c), steps)
	}
	s.Balanced(t, []string{c.ID})
}

// A purchase of an unknown product ends RECHAZADA and names it.
func TestUnknownProducto(t *testing.T) {
	t.Parallel()
	s := Open(t)
	c := s.Wait(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("llama", 1)}}), contracts.EstadoRechazada)
	if len(c.Faltantes) != 1 || c.Faltantes[0] != (contracts.Faltante{IDProducto: "llama", Solicitada: 1, Disponible: 0}) {
		t.Errorf("it does not name the unknown product: %+v", c.Faltantes)
	}
	s.Balanced(t, []string{c.ID})
}
