package queues

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the history keeps, and over how much of it a rate is taken: shorter is nervous, longer is late.
const (
	// Every is how often the lengths of the queues are read.
	Every = 5 * time.Second
	// Memory is how long the lengths of the queues are kept.
	Memory = 15 * time.Minute
	// paceSpan is the time over which the rate of a queue is taken. A shorter one is nervous, a longer one is late.
	paceSpan = 30 * time.Second
)

// deadline is how long one look at the broker may take.
const deadline = 3 * time.Second

// key names a reader of a topic.
type key struct{ topic, subscription string }

// sample is one look at the broker. A look that failed holds nothing: a number of before is never told as one of now.
type sample struct {
	at     time.Time
	up     bool
	queues map[key]Cola
}

// History is the last quarter of an hour of every queue, in memory.
type History struct {
	broker  Broker
	mu      sync.Mutex
	samples []sample
}

// NewHistory looks at b each time that it is told to.
func NewHistory(b Broker) *History { return &History{broker: b} }

// Look takes one look and keeps it, also where the broker did not answer.
func (h *History) Look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	all, err := Load(ctx, h.broker)
	h.record(time.Now(), all, err == nil)
	return err
}

func (h *History) record(at time.Time, all map[string][]Cola, up bool) {
	m := sample{at: at, up: up, queues: map[key]Cola{}}
	for topic, list := range all {
		for _, c := range list {
			if c.Durable && up {
				m.queues[key{topic, c.Suscripcion}] = c
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.samples = append(h.samples, m)
	old := slices.IndexFunc(h.samples, func(m sample) bool { return at.Sub(m.at) <= Memory })
	h.samples = slices.Delete(h.samples, 0, old)
}

// Pace is how fast a queue fills and empties, messages per second.
type Pace struct{ Entrada, Salida float64 }

// ParaVaciar is how long the queue takes to empty at this rate; no where it does not empty.
func (r Pace) ParaVaciar(pending int64) (time.Duration, bool) {
	switch {
	case pending == 0:
		return 0, true
	case r.Salida <= r.Entrada:
		return 0, false
	}
	return time.Duration(float64(pending) / (r.Salida - r.Entrada) * float64(time.Second)), true
}

// Pace gives the rate of a reader now; no where the newest look failed or there is none to compare it with.
func (h *History) Pace(topic, subscription string) (Pace, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.paceAt(len(h.samples)-1, key{topic, subscription})
}

// paceAt compares the look i with the oldest of the paceSpan before it that is of the same run of the broker: its
// counters begin again when it does. What went out is what came in and does not wait any more.
func (h *History) paceAt(i int, k key) (Pace, bool) {
	if i < 1 {
		return Pace{}, false
	}
	now, found := h.samples[i].queues[k]
	if !found {
		return Pace{}, false
	}
	desde := h.samples[i].at.Add(-paceSpan - Every/2)
	j, _ := slices.BinarySearchFunc(h.samples[:i], desde, func(m sample, t time.Time) int { return m.at.Compare(t) })
	for _, m := range h.samples[j:i] {
		earlier, found := m.queues[k]
		if !found || earlier.Entered > now.Entered {
			continue
		}
		span := h.samples[i].at.Sub(m.at)
		entered := now.Entered - earlier.Entered
		wentOut := entered - (now.Pendientes - earlier.Pendientes)
		return Pace{Entrada: float64(entered) / span.Seconds(), Salida: float64(max(0, wentOut)) / span.Seconds()}, true
	}
	return Pace{}, false
}

// Serie is a queue over time: the values stand at the same places as Report.Instantes, nil where the broker did not answer.
type Serie struct {
	Pendientes []*int64
	Entrada    []*float64
	Salida     []*float64
}

// InReport is a queue with its past.
type InReport struct {
	Cola
	Pace  *Pace
	Serie Serie
}

// Report is what there is to see now, and how it came to that.
type Report struct {
	En        time.Time
	Up        bool // the broker answered; else Colas tells the past only
	Colas     []InReport
	Instantes []time.Time
}

// Report tells all queues with the last quarter of an hour.
func (h *History) Report() Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	var i Report
	keys := map[key]bool{}
	for _, m := range h.samples {
		i.Instantes = append(i.Instantes, m.at)
		for k := range m.queues {
			keys[k] = true
		}
	}
	if len(h.samples) == 0 {
		return i
	}
	last := h.samples[len(h.samples)-1]
	i.En, i.Up = last.at, last.up
	for k := range keys {
		e := InReport{Cola: Cola{Tema: k.topic, Suscripcion: k.subscription}, Serie: h.series(k)}
		if c, found := last.queues[k]; found {
			e.Cola = c
		}
		if r, found := h.paceAt(len(h.samples)-1, k); found {
			e.Pace = &r
		}
		i.Colas = append(i.Colas, e)
	}
	slices.SortFunc(i.Colas, func(a, b InReport) int { return strings.Compare(a.Tema+"/"+a.Suscripcion, b.Tema+"/"+b.Suscripcion) })
	return i
}

func (h *History) series(k key) Serie {
	n := len(h.samples)
	s := Serie{Pendientes: make([]*int64, n), Entrada: make([]*float64, n), Salida: make([]*float64, n)}
	for i, m := range h.samples {
		if c, found := m.queues[k]; found {
			s.Pendientes[i] = &c.Pendientes
		}
		if r, found := h.paceAt(i, k); found {
			s.Entrada[i], s.Salida[i] = &r.Entrada, &r.Salida
		}
	}
	return s
}
