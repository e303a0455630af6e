package queues

import (
	"testing"
	"time"
)

func TestPaceAndTimeToDrain(t *testing.T) {
	h, start := NewHistory(nil), time.Unix(1000, 0)
	record := func(seconds int, entered, pending int64) {
		h.record(start.Add(time.Duration(seconds)*time.Second), map[string][]Queue{"comandos-producto": {
			{Subscription: "admin-productos", Durable: true, Entered: entered, Pending: pending},
			{Subscription: "una-pagina", Pending: 3},
		}}, true)
	}
	record(0, 100, 50)
	if _, found := h.Pace("comandos-producto", "admin-productos"); found {
		t.Error("a pace from one reading")
	}
	record(10, 120, 40) // 20 messages came and 30 went
	r, found := h.Pace("comandos-producto", "admin-productos")
	if !found || r != (Pace{In: 2, Out: 3}) {
		t.Fatalf("%+v %v", r, found)
	}
	if absent, drains := r.DrainTime(40); !drains || absent != 40*time.Second {
		t.Error(absent, drains)
	}
	if _, drains := (Pace{In: 3, Out: 3}).DrainTime(40); drains {
		t.Error("a queue that does not get shorter empties")
	}
	record(15, 5, 40) // the broker restarted, and its counters with it
	if r, found := h.Pace("comandos-producto", "admin-productos"); found {
		t.Errorf("a pace across two runs of the broker: %+v", r)
	}
	if n := len(h.Report().Queues); n != 1 {
		t.Errorf("%d queues: that of a page does not count", n)
	}
}

// Failure prevented: the broker is down, and the page of the operator still shows the last known queue.
func TestBrokerThatIsDownIsNotAQuietQueue(t *testing.T) {
	h, start := NewHistory(nil), time.Unix(1000, 0)
	queue := map[string][]Queue{"comandos-orden": {{Subscription: "ordenes", Durable: true, Entered: 9, Pending: 4}}}
	h.record(start, queue, true)
	h.record(start.Add(5*time.Second), queue, true)
	h.record(start.Add(10*time.Second), map[string][]Queue{"comandos-orden": queue["comandos-orden"]}, false)
	i := h.Report()
	if i.Up || len(i.Queues) != 1 || i.Queues[0].Pending != 0 || i.Queues[0].Pace != nil {
		t.Errorf("%+v", i)
	}
	if s := i.Queues[0].Series.Pending; len(s) != 3 || s[1] == nil || *s[1] != 4 || s[2] != nil {
		t.Errorf("%v", s)
	}
	h.record(start.Add(Memory+time.Minute), nil, true)
	if n := len(h.Report().Instants); n != 1 {
		t.Errorf("it keeps %d instants", n)
	}
}
