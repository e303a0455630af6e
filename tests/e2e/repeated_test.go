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

// A purchase that is sent twice, with the same id or the same idempotency key, is one purchase.
func TestRepeated(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"3": 20})
	t.Run("same id", func(t *testing.T) {
		requested := contracts.SolicitudCompra{ID: NewID(), IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("3", 1)}}
		if id := s.Comprar(t, requested); id != requested.ID {
			t.Fatalf("the request has id %s and the response %s", requested.ID, id)
		}
		s.Wait(t, requested.ID, contracts.EstadoConfirmada)
		if id := s.Comprar(t, requested); id != requested.ID {
			t.Errorf("the second time it answered %s", id)
		}
		onlyOne(t, s, requested.IDUsuario, requested.ID)
		other := requested
		other.Productos = []contracts.Linea{Linea("3", 2)}
		wantRefused(t, s, other, http.StatusConflict)
		other = requested
		other.IDUsuario = Usuario(t)
		wantRefused(t, s, other, http.StatusConflict)
	})
	t.Run("same key", func(t *testing.T) {
		requested := contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("3", 1)}}
		key := client.WithIdempotencyKey("key of " + requested.IDUsuario)
		id := s.Comprar(t, requested, key)
		if other := s.Comprar(t, requested, key); other != id {
			t.Errorf("one key gave %s and %s", id, other)
		}
		s.Wait(t, id, contracts.EstadoConfirmada)
		onlyOne(t, s, requested.IDUsuario, id)
		other := requested
		other.Domicilio = true
		wantRefused(t, s, other, http.StatusUnprocessableEntity, key)
		ofOther := requested
		ofOther.IDUsuario = Usuario(t)
		as, err := s.Env.As(ofOther.IDUsuario, "cliente") // the bff stores a key for one subject
		if err != nil {
			t.Fatal(err)
		}
		if a, err := as.Comprar(t.Context(), ofOther, key); err != nil || a.ID == id {
			t.Errorf("the key of one customer gave the purchase of another: %v, %v", a, err)
		}
	})
	t.Run("at the same time", func(t *testing.T) {
		requested := contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("3", 1)}}
		key := client.WithIdempotencyKey("at the same time " + requested.IDUsuario)
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
				t.Fatalf("one key, several purchases: %v", ids)
			}
		}
		s.Wait(t, ids[0], contracts.EstadoConfirmada)
		onlyOne(t, s, requested.IDUsuario, ids[0])
	})
}

// onlyOne fails the test unless this is the only purchase of the customer, with one order and one reservation.
func onlyOne(t *testing.T, s *System, usuario, id string) {
	t.Helper()
	if n := Count(t, s.ManagerDatabase, `select count(*) from compra where id_usuario = $1`, usuario); n != 1 {
		t.Errorf("there are %d purchases of %s", n, usuario)
	}
	s.Balanced(t, []string{id})
}

// wantRefused sends a purchase and fails the test unless it is refused with this status and a text for a person.
func wantRefused(t *testing.T, s *System, requested contracts.SolicitudCompra, status int, headers ...client.Header) {
	t.Helper()
	_, err := s.BFF.Comprar(t.Context(), requested, headers...)
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != status || p.Detail == "" {
		t.Errorf("want a %d with its reason, got: %v", status, err)
	}
}
