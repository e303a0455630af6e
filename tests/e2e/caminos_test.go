// Package e2e holds the whole running system to its word, from outside.
package e2e

import (
	"slices"
	"testing"

	"entregas/contracts"
	. "entregas/tests/prueba"
)

func TestConfirmada(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"3": 10, "4": 10})
	for _, domicilio := range []bool{false, true} {
		pedida := contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("4", 2), Linea("3", 1)}, Domicilio: domicilio}
		c := s.Espera(t, s.Comprar(t, pedida), contracts.EstadoConfirmada)
		pasos := []string{"RECIBIDA", "INICIADA", "PRODUCTOS_VALIDOS", "PRODUCTOS_RESERVADOS", "CONFIRMADA"}
		if !slices.Equal(Pasos(c), pasos) {
			t.Errorf("historia %v, se esperaba %v", Pasos(c), pasos)
		}
		for i, h := range c.Historia {
			if h.Numero != i+1 || h.Tipo == "" || h.Detalle == "" || (i > 0 && h.En.Before(c.Historia[i-1].En)) {
				t.Errorf("la entrada %d de la historia no sigue a la anterior: %+v", i+1, h)
			}
		}
		if c.IDUsuario != pedida.IDUsuario || c.Domicilio != domicilio || !slices.Equal(c.Productos, pedida.Productos) || c.Motivo != "" || len(c.Faltantes) > 0 {
			t.Errorf("no es la que se pidió: %+v", c)
		}
		s.Cuadran(t, []string{c.ID})
		pagina, err := s.BFF.DeUsuario(t.Context(), pedida.IDUsuario, 10, "")
		if err != nil || len(pagina.Compras) != 1 || pagina.Compras[0].ID != c.ID {
			t.Errorf("la lista del usuario: %+v, %v", pagina, err)
		}
	}
}

func TestSinExistencias(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"3": 10})
	hay, err := s.BFF.Producto(t.Context(), "14")
	if err != nil {
		t.Fatal(err)
	}
	faltan := []contracts.Faltante{
		{IDProducto: "14", Solicitada: hay.Cantidad + 2, Disponible: hay.Cantidad},
		{IDProducto: "no-existe", Solicitada: 1, Disponible: 0},
	}
	c := s.Espera(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{
		Linea("14", hay.Cantidad+2), Linea("3", 1), Linea("no-existe", 1),
	}}), contracts.EstadoRechazada)
	if !slices.Equal(c.Faltantes, faltan) || c.Motivo == "" {
		t.Errorf("dice que faltan %+v (%q), y faltan %+v", c.Faltantes, c.Motivo, faltan)
	}
	if pasos := []string{"RECIBIDA", "INICIADA", "RECHAZADA"}; !slices.Equal(Pasos(c), pasos) {
		t.Errorf("historia %v, se esperaba %v", Pasos(c), pasos)
	}
	s.Cuadran(t, []string{c.ID})
}

func TestProductoDesconocido(t *testing.T) {
	s := Abrir(t)
	c := s.Espera(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("llama", 1)}}), contracts.EstadoRechazada)
	if len(c.Faltantes) != 1 || c.Faltantes[0] != (contracts.Faltante{IDProducto: "llama", Solicitada: 1, Disponible: 0}) {
		t.Errorf("no nombra el producto desconocido: %+v", c.Faltantes)
	}
	s.Cuadran(t, []string{c.ID})
}
