package postgres_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/internal/basetest"
	"entregas/services/internal/errores"
)

// The same purchase sent twice is one; an id that exists with another owner or content is refused.
func TestAceptarOtraVez(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for _, c := range []struct {
		nombre string
		cambio func(s *contracts.SolicitudCompra)
		codigo errores.Codigo
	}{
		{"the same", func(*contracts.SolicitudCompra) {}, ""},
		{"another owner", func(s *contracts.SolicitudCompra) { s.IDUsuario = "eva" }, errores.Conflicto},
		{"home delivery", func(s *contracts.SolicitudCompra) { s.Domicilio = true }, errores.Conflicto},
		{"more of it", func(s *contracts.SolicitudCompra) { s.Productos[0].Cantidad++ }, errores.Conflicto},
		{"a line less", func(s *contracts.SolicitudCompra) { s.Productos = s.Productos[:1] }, errores.Conflicto},
		{"the lines in another order", func(s *contracts.SolicitudCompra) { slices.Reverse(s.Productos) }, errores.Conflicto},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			s := postgrestest.Solicitud()
			primera, nueva, err := a.Aceptar(t.Context(), s, postgrestest.Abiertas)
			if err != nil || !nueva || primera.Estado != contracts.EstadoRecibida || primera.Numero() != 1 || primera.IDUsuario != "ana" {
				t.Fatalf("nueva %v: %+v %v", nueva, primera, err)
			}
			a.Hacer(t, `update compra set estado = 'CONFIRMADA' where id = $1`, s.ID)
			c.cambio(&s)
			otra, nueva, err := a.Aceptar(t.Context(), s, postgrestest.Abiertas)
			esperarCodigo(t, err, c.codigo)
			if nueva || err == nil && otra.Estado != contracts.EstadoConfirmada {
				t.Fatalf("nueva %v: %+v", nueva, otra)
			}
			leida, err := a.Leer(t.Context(), s.ID)
			if err != nil || fmt.Sprint(leida.Productos) != fmt.Sprint(primera.Productos) || leida.IDUsuario != "ana" || leida.Numero() != 1 {
				t.Fatalf("quedó %+v: %v", leida, err)
			}
		})
	}
}

func TestAceptarALaVez(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for range 20 {
		iguales := postgrestest.Solicitud()
		distinta := iguales
		distinta.IDUsuario = "eva"
		var nuevas, conflictos, otras atomic.Int32
		basetest.ALaVez(8, 8, func(i int) {
			s := iguales
			if i%2 == 1 {
				s = distinta
			}
			_, nueva, err := a.Aceptar(t.Context(), s, postgrestest.Abiertas)
			switch {
			case nueva && err == nil:
				nuevas.Add(1)
			case errores.De(err) == errores.Conflicto:
				conflictos.Add(1)
			case err != nil:
				otras.Add(1)
			}
		})
		if nuevas.Load() != 1 || conflictos.Load() != 4 || otras.Load() != 0 {
			t.Fatalf("fueron nuevas %d, en conflicto %d, con error %d", nuevas.Load(), conflictos.Load(), otras.Load())
		}
		a.SinHuecos(t, iguales.ID)
	}
}

func TestLeerLoQueNoHay(t *testing.T) {
	_, err := postgrestest.Nuevo(t).Leer(t.Context(), postgrestest.Solicitud().ID)
	esperarCodigo(t, err, errores.NoEncontrado)
}

// A customer's list, page by page, is all of theirs, newest first, and nobody else's.
func TestListarPorPaginas(t *testing.T) {
	a := postgrestest.Nuevo(t)
	var esperadas []string
	for i := range 7 {
		s := a.Compra(t, contracts.EstadoConfirmada)
		a.Hacer(t, `update compra set creada_en = '2026-01-01'::timestamptz + make_interval(hours => $2) + '999 microseconds' where id = $1`, s.ID, i/2) // some at the same instant
		esperadas = append(esperadas, s.ID)
	}
	ajena := a.Compra(t, contracts.EstadoConfirmada)
	a.Hacer(t, `update compra set id_usuario = 'eva' where id = $1`, ajena.ID)
	slices.Reverse(esperadas)

	var vistas []string
	desde := contracts.Cursor{CreadaEn: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	for {
		pagina, err := a.Buscar(t.Context(), contracts.FiltroCompras{IDUsuario: "ana"}, desde, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(pagina) == 0 {
			break
		}
		for _, c := range pagina {
			vistas = append(vistas, c.ID)
		}
		ultima := pagina[len(pagina)-1]
		desde = contracts.Cursor{CreadaEn: ultima.CreadaEn.Truncate(time.Millisecond), ID: ultima.ID} // as the read model knows it
	}
	if !slices.Equal(vistas, esperadas) {
		t.Fatalf("listó   %v\nesperado %v", vistas, esperadas)
	}
}
