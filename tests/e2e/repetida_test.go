package e2e

import (
	"errors"
	"net/http"
	"sync"
	"testing"

	"entregas/contracts"
	"entregas/tests/cliente"
	. "entregas/tests/prueba"
)

// The same purchase sent again is one purchase, whether the customer named it by its id or the sending by a key.
func TestRepetida(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"3": 20})
	t.Run("mismo id", func(t *testing.T) {
		pedida := contracts.SolicitudCompra{ID: NuevoID(), IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("3", 1)}}
		if id := s.Comprar(t, pedida); id != pedida.ID {
			t.Fatalf("se pidió el id %s y respondió %s", pedida.ID, id)
		}
		s.Espera(t, pedida.ID, contracts.EstadoConfirmada)
		if id := s.Comprar(t, pedida); id != pedida.ID {
			t.Errorf("otra vez, respondió %s", id)
		}
		unaSola(t, s, pedida.IDUsuario, pedida.ID)
		otra := pedida
		otra.Productos = []contracts.Linea{Linea("3", 2)}
		seRechaza(t, s, otra, http.StatusConflict)
		otra = pedida
		otra.IDUsuario = Usuario(t)
		seRechaza(t, s, otra, http.StatusConflict)
	})
	t.Run("misma clave", func(t *testing.T) {
		pedida := contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("3", 1)}}
		clave := cliente.ClaveIdempotencia("clave de " + pedida.IDUsuario)
		id := s.Comprar(t, pedida, clave)
		if otra := s.Comprar(t, pedida, clave); otra != id {
			t.Errorf("la misma clave dio %s y %s", id, otra)
		}
		s.Espera(t, id, contracts.EstadoConfirmada)
		unaSola(t, s, pedida.IDUsuario, id)
		otra := pedida
		otra.Domicilio = true
		seRechaza(t, s, otra, http.StatusUnprocessableEntity, clave)
		deOtro := pedida
		deOtro.IDUsuario = Usuario(t)
		como, err := s.Entorno.Como(deOtro.IDUsuario, "cliente") // a key is its subject's own
		if err != nil {
			t.Fatal(err)
		}
		if a, err := como.Comprar(t.Context(), deOtro, clave); err != nil || a.ID == id {
			t.Errorf("la clave de un usuario dio la compra de otro: %v, %v", a, err)
		}
	})
	t.Run("a la vez", func(t *testing.T) {
		pedida := contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("3", 1)}}
		clave := cliente.ClaveIdempotencia("a la vez " + pedida.IDUsuario)
		var grupo sync.WaitGroup
		ids := make([]string, 10)
		for i := range ids {
			grupo.Go(func() {
				aceptada, err := s.BFF.Comprar(t.Context(), pedida, clave)
				if err != nil {
					t.Error(err)
				}
				ids[i] = aceptada.ID
			})
		}
		grupo.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("una clave, varias compras: %v", ids)
			}
		}
		s.Espera(t, ids[0], contracts.EstadoConfirmada)
		unaSola(t, s, pedida.IDUsuario, ids[0])
	})
}

// unaSola requires that the customer has this purchase alone, with one order and one reservation.
func unaSola(t *testing.T, s *Sistema, usuario, id string) {
	t.Helper()
	if n := Contar(t, s.BaseGestor, `select count(*) from compra where id_usuario = $1`, usuario); n != 1 {
		t.Errorf("hay %d compras de %s", n, usuario)
	}
	s.Cuadran(t, []string{id})
}

func seRechaza(t *testing.T, s *Sistema, pedida contracts.SolicitudCompra, estado int, cabeceras ...cliente.Cabecera) {
	t.Helper()
	_, err := s.BFF.Comprar(t.Context(), pedida, cabeceras...)
	var p *cliente.Problema
	if !errors.As(err, &p) || p.Status != estado || p.Detail == "" {
		t.Errorf("se esperaba un %d con su porqué, y hubo: %v", estado, err)
	}
}
