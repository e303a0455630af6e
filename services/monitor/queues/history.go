package queues

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// Every is how often the lengths of the queues are read.
	Every = 5 * time.Second
	// Memory is how long the lengths of the queues are kept.
	Memory = 15 * time.Minute
	// paceSpan is the time over which the rate of a queue is measured. With a shorter time the rate would jump; with a longer
	// one it would lag behind.
	paceSpan = 30 * time.Second
)

// deadline is how long one reading of the broker may take.
const deadline = 3 * time.Second

// key identifies a subscription of a topic.
type key struct{ topic, subscription string }

// sample is one reading of the broker. A failed reading has no queues: an old number is never reported as a present one.
type sample struct {
	at     time.Time
	up     bool
	queues map[key]Queue
}

// History has the readings of the last quarter of an hour, in memory.
type History struct {
	broker  Broker
	mu      sync.Mutex
	samples []sample
}

// NewHistory returns an empty History that reads from broker.
func NewHistory(broker Broker) *History { return &History{broker: broker} }

// Look reads the broker once and records the result, also when the broker did not answer.
func (h *History) Look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	all, err := Load(ctx, h.broker)
	h.record(time.Now(), all, err == nil)
	return err
}

func (h *History) record(at time.Time, all map[string][]Queue, up bool) {
	m := sample{at: at, up: up, queues: map[key]Queue{}}
	for topic, list := range all {
		for _, c := range list {
			if c.Durable && up {
				m.queues[key{topic, c.Subscription}] = c
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.samples = append(h.samples, m)
	old := slices.IndexFunc(h.samples, func(m sample) bool { return at.Sub(m.at) <= Memory })
	h.samples = slices.Delete(h.samples, 0, old)
}

// Pace is how fast a queue fills (In) and empties (Out), in messages per second.
type Pace struct{ In, Out float64 }

// DrainTime returns how long a queue with so many pending messages takes to empty at this pace; false means that it does not
// empty.
func (p Pace) DrainTime(pending int64) (time.Duration, bool) {
	switch {
	case pending == 0:
		return 0, true
	case p.Out <= p.In:
		return 0, false
	}
	return time.Duration(float64(pending) / (p.Out - p.In) * float64(time.Second)), true
}

// Pace returns the present pace of a subscription; false means that the last reading failed or that none is old enough to
// compare it with.
func (h *History) Pace(topic, subscription string) (Pace, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.paceAt(len(h.samples)-1, key{topic, subscription})
}

// paceAt compares reading i with the oldest reading within paceSpan before it. Both must be of the same run of the broker,
// whose counters restart with it. The messages that went out are those that came in and are not pending any more.
func (h *History) paceAt(i int, k key) (Pace, bool) {
	if i < 1 {
		return Pace{}, false
	}
	now, found := h.samples[i].queues[k]
	if !found {
		return Pace{}, false
	}
	since := h.samples[i].at.Add(-paceSpan - Every/2)
	j, _ := slices.BinarySearchFunc(h.samples[:i], since, func(m sample, t time.Time) int { return m.at.Compare(t) })
	for _, m := range h.samples[j:i] {
		earlier, found := m.queues[k]
		if !found || earlier.Entered > now.Entered {
			continue
		}
		span := h.samples[i].at.Sub(m.at)
		entered := now.Entered - earlier.Entered
		wentOut := entered - (now.Pending - earlier.Pending)
		return Pace{In: float64(entered) / span.Seconds(), Out: float64(max(0, wentOut)) / span.Seconds()}, true
	}
	return Pace{}, false
}

// Series is a queue over time. Value i belongs to instant i of Report.Instants and is nil if the broker did not answer then.
type Series struct {
	Pending []*int64
	In      []*float64
	Out     []*float64
}

// ReportedQueue is a queue with its past.
type ReportedQueue struct {
	Queue
	Pace   *Pace
	Series Series
}

// Report has all queues, now and over the last quarter of an hour.
type Report struct {
	At       time.Time
	Up       bool // the broker answered; if not, Queues has the past only
	Queues   []ReportedQueue
	Instants []time.Time
}

// Report returns the queues of all readings, sorted by topic and subscription.
func (h *History) Report() Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	var i Report
	keys := map[key]bool{}
	for _, m := range h.samples {
		i.Instants = append(i.Instants, m.at)
		for k := range m.queues {
			keys[k] = true
		}
	}
	if len(h.samples) == 0 {
		return i
	}
	last := h.samples[len(h.samples)-1]
	i.At, i.Up = last.at, last.up
	for k := range keys {
		e := ReportedQueue{Queue: Queue{Topic: k.topic, Subscription: k.subscription}, Series: h.series(k)}
		if c, found := last.queues[k]; found {
			e.Queue = c
		}
		if r, found := h.paceAt(len(h.samples)-1, k); found {
			e.Pace = &r
		}
		i.Queues = append(i.Queues, e)
	}
	slices.SortFunc(i.Queues, func(a, b ReportedQueue) int {
		return strings.Compare(a.Topic+"/"+a.Subscription, b.Topic+"/"+b.Subscription)
	})
	return i
}

func (h *History) series(k key) Series {
	n := len(h.samples)
	s := Series{Pending: make([]*int64, n), In: make([]*float64, n), Out: make([]*float64, n)}
	for i, m := range h.samples {
		if c, found := m.queues[k]; found {
			s.Pending[i] = &c.Pending
		}
		if r, found := h.paceAt(i, k); found {
			s.In[i], s.Out[i] = &r.In, &r.Out
		}
	}
	return s
}
