package e2e

import (
	"errors"
	"net/http"
	"sync"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// The same purchase sent again is one purchase, whether the customer named it by its id or the sending by a key.
func TestRepeated(t *testing.T) {
	s := Open(t)
	s.Restock(t, map[string]int{"3": 20})
	t.Run("mismo id", func(t *testing.T) {
		requested := contracts.SolicitudCompra{ID: NewID(), IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("3", 1)}}
		if id := s.Comprar(t, requested); id != requested.ID {
			t.Fatalf("se pidió el id %s y respondió %s", requested.ID, id)
		}
		s.Wait(t, requested.ID, contracts.EstadoConfirmada)
		if id := s.Comprar(t, requested); id != requested.ID {
			t.Errorf("otra vez, respondió %s", id)
		}
		onlyOne(t, s, requested.IDUsuario, requested.ID)
		other := requested
		other.Productos = []contracts.Linea{Linea("3", 2)}
		wantRefused(t, s, other, http.StatusConflict)
		other = requested
		other.IDUsuario = Usuario(t)
		wantRefused(t, s, other, http.StatusConflict)
	})
	t.Run("misma clave", func(t *testing.T) {
		requested := contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("3", 1)}}
		key := client.WithIdempotencyKey("clave de " + requested.IDUsuario)
		id := s.Comprar(t, requested, key)
		if other := s.Comprar(t, requested, key); other != id {
			t.Errorf("la misma clave dio %s y %s", id, other)
		}
		s.Wait(t, id, contracts.EstadoConfirmada)
		onlyOne(t, s, requested.IDUsuario, id)
		other := requested
		other.Domicilio = true
		wantRefused(t, s, other, http.StatusUnprocessableEntity, key)
		ofOther := requested
		ofOther.IDUsuario = Usuario(t)
		as, err := s.Env.As(ofOther.IDUsuario, "cliente") // a key is its subject's own
		if err != nil {
			t.Fatal(err)
		}
		if a, err := as.Comprar(t.Context(), ofOther, key); err != nil || a.ID == id {
			t.Errorf("la clave de un usuario dio la compra de otro: %v, %v", a, err)
		}
	})
	t.Run("a la vez", func(t *testing.T) {
		requested := contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("3", 1)}}
		key := client.WithIdempotencyKey("a la vez " + requested.IDUsuario)
		var group sync.WaitGroup
		ids := make([]string, 10)
		for i := range ids {
			group.Go(func() {
				accepted, err := s.BFF.Comprar(t.Context(), requested, key)
				if err != nil {
					t.Error(err)
				}
				ids[i] = accepted.ID
			})
		}
		group.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("una clave, varias compras: %v", ids)
			}
		}
		s.Wait(t, ids[0], contracts.EstadoConfirmada)
		onlyOne(t, s, requested.IDUsuario, ids[0])
	})
}

// onlyOne requires that the customer has this purchase alone, with one order and one reservation.
func onlyOne(t *testing.T, s *System, usuario, id string) {
	t.Helper()
	if n := Count(t, s.ManagerDatabase, `select count(*) from compra where id_usuario = $1`, usuario); n != 1 {
		t.Errorf("hay %d compras de %s", n, usuario)
	}
	s.Balanced(t, []string{id})
}

func wantRefused(t *testing.T, s *System, requested contracts.SolicitudCompra, status int, headers ...client.Header) {
	t.Helper()
	_, err := s.BFF.Comprar(t.Context(), requested, headers...)
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != status || p.Detail == "" {
		t.Errorf("se esperaba un %d con su porqué, y hubo: %v", status, err)
	}
}
