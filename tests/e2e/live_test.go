package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// follow reads the stream of a purchase after event last until an event has the state. It returns the number and the last step of each
// event.
func follow(t *testing.T, s *System, id, last string, until contracts.Estado) (numbers, steps []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	err := s.BFF.Events(ctx, "/compras/"+id+"/eventos", last, func(e client.Event) error {
		if e.Comment {
			return nil
		}
		var c contracts.Compra
		if err := json.Unmarshal([]byte(e.Data), &c); err != nil {
			return err
		}
		if e.Name != "estado" || c.ID != id || fmt.Sprint(c.Numero()) != e.ID {
			t.Errorf("event %s %s: %.300s", e.ID, e.Name, e.Data)
		}
		if c.Numero() == 0 { // gestor-compra does not have the purchase yet
			return nil
		}
		numbers, steps = append(numbers, e.ID), append(steps, Steps(c)[len(c.Historia)-1])
		if c.Estado == until {
			return client.ErrEnough
		}
		return nil
	})
	if err != nil {
		t.Fatalf("stream of %s after %q: %v (seen %v)", id, last, err, steps)
	}
	return numbers, steps
}

// The stream of a purchase delivers every change once, from the beginning or after the Last-Event-ID.
func TestLive(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 10})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}})
	all := []string{"RECIBIDA", "INICIADA", "PRODUCTOS_VALIDOS", "PRODUCTOS_RESERVADOS", "CONFIRMADA"}
	if numbers, steps := follow(t, s, id, "", contracts.EstadoConfirmada); !slices.Equal(steps, all) || !slices.Equal(numbers, []string{"1", "2", "3", "4", "5"}) {
		t.Errorf("live: %v %v", numbers, steps)
	}
	if _, steps := follow(t, s, id, "3", contracts.EstadoConfirmada); !slices.Equal(steps, all[3:]) {
		t.Errorf("after 3: %v", steps)
	}
	r, err := s.BFF.Request(t.Context(), http.MethodGet, "/compras/"+id+"/eventos", nil, client.Header{Name: "Last-Event-ID", Value: "three"})
	if err != nil {
		t.Fatal(err)
	}
	isProblem(t, "a Last-Event-ID that is no number", r, http.StatusBadRequest, "Last-Event-ID")
}

// The stream of a purchase that cannot change any more delivers its changes and ends. After the last event it answers 204.
func TestLiveEnds(t *testing.T) {
	t.Parallel()
	s := Open(t)
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("llama", 1)}})
	numbers, steps := follow(t, s, id, "", contracts.EstadoRechazada)
	if !slices.Equal(steps, []string{"RECIBIDA", "INICIADA", "RECHAZADA"}) {
		t.Errorf("live: %v", steps)
	}
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	if err := s.BFF.Events(ctx, "/compras/"+id+"/eventos", "", func(client.Event) error { return nil }); err != nil {
		t.Errorf("the stream does not end: %v", err)
	}
	r, err := s.BFF.Request(ctx, http.MethodGet, "/compras/"+id+"/eventos", nil, client.Header{Name: "Last-Event-ID", Value: numbers[len(numbers)-1]})
	if err != nil || r.Status != http.StatusNoContent {
		t.Errorf("after the last event it answered %d, %v", r.Status, err)
	}
}

// Fifty clients follow one purchase, and each gets every change.
func TestManyListeners(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 10})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}})
	seen := make(chan int, 50)
	for range cap(seen) {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), Deadline)
			defer cancel()
			last := 0
			err := s.BFF.Follow(ctx, id, func(c contracts.Compra) error {
				last = c.Numero()
				if c.Estado == contracts.EstadoConfirmada {
					return client.ErrEnough
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			seen <- last
		}()
	}
	for range cap(seen) {
		if n := <-seen; n != 5 {
			t.Errorf("a listener got as far as change %d", n)
		}
	}
}

// The stream of a client is cut, by the client or by a restart of the bff. The client opens the stream again after the last event. It
// misses no event and gets no event twice.
func TestLiveContinuesAfterACut(t *testing.T) {
	s := ForBreaking(t)
	s.Restock(t, map[string]int{"1": 200})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 101)}})
	var numbers, steps []string
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	err := s.BFF.Events(ctx, "/compras/"+id+"/eventos", "", func(e client.Event) error {
		var c contracts.Compra
		if e.Comment || json.Unmarshal([]byte(e.Data), &c) != nil || c.Numero() == 0 {
			return nil
		}
		numbers, steps = append(numbers, e.ID), append(steps, Steps(c)[len(c.Historia)-1])
		if c.Numero() == 2 {
			return client.ErrEnough // the client closes the stream
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n, p := follow(t, s, id, numbers[len(numbers)-1], contracts.EstadoPorAprobar)
	numbers, steps = append(numbers, n...), append(steps, p...)
	severed := make(chan error, 1)
	go func() { // this client listens during the restart
		severed <- s.BFF.Events(ctx, "/compras/"+id+"/eventos", numbers[len(numbers)-1], func(client.Event) error { return nil })
	}()
	s.Run(t, "restart", "bff")
	if err := <-severed; err != nil {
		t.Log("cut:", err)
	}
	if _, err := s.BFF.Decide(ctx, id, true, ""); err != nil {
		t.Fatal(err)
	}
	n, p = follow(t, s, id, numbers[len(numbers)-1], contracts.EstadoConfirmada)
	numbers, steps = append(numbers, n...), append(steps, p...)
	all := []string{"RECIBIDA", "INICIADA", "PRODUCTOS_VALIDOS", "PRODUCTOS_RESERVADOS", "POR_APROBAR", "Aprobacion", "CONFIRMADA"}
	if !slices.Equal(steps, all) {
		t.Errorf("seen %v %v", numbers, steps)
	}
	for i, n := range numbers {
		if n != fmt.Sprint(i+1) {
			t.Errorf("numbers %v", numbers)
			break
		}
	}
}
