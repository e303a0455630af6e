package queues

import (
	"testing"
	"time"
)

func TestPaceAndTimeToDrain(t *testing.T) {
	h, start := NewHistory(nil), time.Unix(1000, 0)
	record := func(seconds int, entered, pending int64) {
		h.record(start.Add(time.Duration(seconds)*time.Second), map[string][]Cola{"comandos-producto": {
			{Suscripcion: "admin-productos", Durable: true, Entered: entered, Pendientes: pending},
			{Suscripcion: "una-pagina", Pendientes: 3},
		}}, true)
	}
	record(0, 100, 50)
	if _, found := h.Pace("comandos-producto", "admin-productos"); found {
		t.Error("un ritmo de una sola mirada")
	}
	record(10, 120, 40) // 20 came, 30 went
	r, found := h.Pace("comandos-producto", "admin-productos")
	if !found || r != (Pace{Entrada: 2, Salida: 3}) {
		t.Fatalf("%+v %v", r, found)
	}
	if absent, drains := r.ParaVaciar(40); !drains || absent != 40*time.Second {
		t.Error(absent, drains)
	}
	if _, drains := (Pace{Entrada: 3, Salida: 3}).ParaVaciar(40); drains {
		t.Error("una cola que no baja se vacía")
	}
	record(15, 5, 40) // the broker began again
	if r, found := h.Pace("comandos-producto", "admin-productos"); found {
		t.Errorf("un ritmo entre dos vidas del broker: %+v", r)
	}
	if n := len(h.Report().Colas); n != 1 {
		t.Errorf("%d colas: la de una página no cuenta", n)
	}
}

// Failure prevented: the broker is down and the operator's page goes on showing the queue that it had.
func TestBrokerThatIsDownIsNotAQuietQueue(t *testing.T) {
	h, start := NewHistory(nil), time.Unix(1000, 0)
	queue := map[string][]Cola{"comandos-orden": {{Suscripcion: "ordenes", Durable: true, Entered: 9, Pendientes: 4}}}
	h.record(start, queue, true)
	h.record(start.Add(5*time.Second), queue, true)
	h.record(start.Add(10*time.Second), map[string][]Cola{"comandos-orden": queue["comandos-orden"]}, false)
	i := h.Report()
	if i.Up || len(i.Colas) != 1 || i.Colas[0].Pendientes != 0 || i.Colas[0].Pace != nil {
		t.Errorf("%+v", i)
	}
	if s := i.Colas[0].Serie.Pendientes; len(s) != 3 || s[1] == nil || *s[1] != 4 || s[2] != nil {
		t.Errorf("%v", s)
	}
	h.record(start.Add(Memory+time.Minute), nil, true)
	if n := len(h.Report().Instantes); n != 1 {
		t.Errorf("recuerda %d instantes", n)
	}
}
