package postgres_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
)

// waits adds a purchase to the queue. It came the duration since ago.
func waits(t *testing.T, a postgrestest.Store, customer string, domicilio bool, since time.Duration) string {
	t.Helper()
	return cameAt(t, a, customer, domicilio, time.Now().Add(-since))
}

func cameAt(t *testing.T, a postgrestest.Store, customer string, domicilio bool, at time.Time) string {
	t.Helper()
	return postgrestest.One[string](t, a, `insert into compra (id, id_usuario, estado, domicilio, productos, creada_en)
values (gen_random_uuid(), $1, 'RECIBIDA', $2, '[]', $3) returning id`, customer, domicilio, at)
}

// next calls TakeTurns n times and returns the customers of the purchases that started, in order. With end, each purchase ends at
// once; otherwise it stays in flight.
func next(t *testing.T, a postgrestest.Store, p compras.Places, n int, end bool) (customers []string) {
	t.Helper()
	for range n {
		turns, err := a.TakeTurns(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		for _, turn := range turns {
			customers = append(customers, turn.IDUsuario)
			estado := contracts.EstadoIniciada
			if end {
				estado = contracts.EstadoConfirmada
			}
			a.Do(t, `update compra set estado = $2 where id = $1`, turn.ID, estado)
		}
	}
	return customers
}

// A customer has 600 purchases in the queue. Then the first purchase of another customer comes. It gets the next place.
func TestAnotherCustomersFirstGoesNext(t *testing.T) {
	a := postgrestest.New(t)
	a.Do(t, `insert into compra (id, id_usuario, estado, domicilio, productos, creada_en)
select gen_random_uuid(), 'many', 'RECIBIDA', true, '[]', now() - (600 - n) * interval '20 ms' from generate_series(1, 600) n`)
	p := compras.Places{Total: 8, PerCustomer: 4, HeadStart: headStart, Lease: long}
	if first := next(t, a, p, 1, false); len(first) != 4 {
		t.Fatalf("one customer has %d of the 8 places, and may have 4", len(first))
	}
	waits(t, a, "one", true, 0)
	waits(t, a, "two", false, 0)
	if got := next(t, a, p, 1, false); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("next were %v", got)
	}
}

// Within a lane the customers take turns, even if all purchases of one customer came first. The lane with home delivery goes before
// the lane without.
func TestCustomersTakeTurnsInALane(t *testing.T) {
	a := postgrestest.New(t)
	for i := range 3 {
		waits(t, a, "ana", true, time.Minute-time.Duration(i)*time.Second)
		waits(t, a, "luz", false, 2*time.Minute-time.Duration(i)*time.Second)
	}
	waits(t, a, "eva", true, 10*time.Second)
	waits(t, a, "eva", true, 9*time.Second)
	waits(t, a, "ivo", true, 8*time.Second)
	waits(t, a, "paz", false, time.Second)
	var got []string
	for total := 1; total <= 10; total++ { // each purchase stays in flight
		got = append(got, next(t, a, places(total), 1, false)...)
	}
	if want := []string{"ana", "eva", "ivo", "ana", "eva", "ana", "luz", "paz", "luz", "luz"}; !slices.Equal(got, want) {
		t.Errorf("next were %v\nwant      %v", got, want)
	}
}

// A purchase that has waited for longer than the head start goes first, however many purchases its customer has in flight.
func TestTheOverdueGoFirst(t *testing.T) {
	a := postgrestest.New(t)
	for i := range 6 {
		waits(t, a, "old", false, headStart+time.Minute-time.Duration(i)*time.Second)
	}
	waits(t, a, "new", true, time.Minute)
	got := next(t, a, compras.Places{Total: 5, PerCustomer: 3, HeadStart: headStart, Lease: long}, 1, false)
	slices.Sort(got)
	if want := []string{"old", "old", "old", "old", "old"}; !slices.Equal(got, want) {
		t.Errorf("next were %v, want %v", got, want)
	}
}

// A purchase whose row is locked does not block the others.
func TestALockedPurchaseIsPassedOver(t *testing.T) {
	for name, since := range map[string]time.Duration{"in its lane": time.Minute, "overdue": 2 * headStart} {
		t.Run(name, func(t *testing.T) {
			a := postgrestest.New(t)
			locked := waits(t, a, "ana", true, since)
			waits(t, a, "eva", true, since/2)
			tx, err := a.Pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), `select from compra where id = $1 for update`, locked); err != nil {
				t.Fatal(err)
			}
			if got := next(t, a, places(1), 1, true); !slices.Equal(got, []string{"eva"}) {
				t.Errorf("next was %v", got)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := next(t, a, places(1), 1, true); !slices.Equal(got, []string{"ana"}) {
				t.Errorf("next was %v", got)
			}
		})
	}
}

// TakeTurns starts the purchase that the rule of docs/adr/fair-admission.md names, whatever purchases wait and are in flight.
// The bounds that follow from the rule also hold: a customer's first purchase in a lane starts before all purchases of that
// lane that came later.
func TestAdmissionIsFair(t *testing.T) {
	a := postgrestest.New(t)
	customers := []string{"ana", "eva", "ivo", "luz"}
	rapid.Check(t, func(r *rapid.T) {
		a.Do(t, `truncate compra cascade`)
		p := compras.Places{Total: rapid.IntRange(1, 8).Draw(r, "places"), HeadStart: headStart, Lease: long}
		p.PerCustomer = rapid.IntRange(1, p.Total).Draw(r, "per customer")
		m, start := model{p: p, inFlight: map[string]int{}}, time.Now()
		for i := range rapid.IntRange(1, 14).Draw(r, "purchases") {
			w := waiting{
				customer: rapid.SampledFrom(customers).Draw(r, "customer"), domicilio: rapid.Bool().Draw(r, "domicilio"),
				since: time.Duration(rapid.IntRange(1, 39).Draw(r, "half minutes"))*30*time.Second + time.Duration(i)*time.Millisecond,
			}
			w.id = cameAt(t, a, w.customer, w.domicilio, start.Add(-w.since))
			m.waiting = append(m.waiting, w)
		}
		for step := 0; len(m.waiting) > 0; step++ {
			if step > 500 {
				r.Fatal("it does not end")
			}
			turns, err := a.TakeTurns(t.Context(), m.p)
			if err != nil {
				r.Fatal(err)
			}
			if want := m.take(1); len(turns) == 0 && len(want) > 0 {
				r.Fatalf("a place was free while %v waited", want)
			}
			for range turns { // the purchases that one call returns have no order
				want := m.take(1)
				i := slices.IndexFunc(turns, func(s compras.Turn) bool { return len(want) == 1 && s.ID == want[0].id })
				if i < 0 {
					r.Fatalf("started %v; want %v among them", turns, want)
				}
				m.start(want[0])
			}
			a.Do(t, `update compra set estado = 'INICIADA' where leased_until is not null and estado = 'RECIBIDA'`)
			m.end(rapid.SampledFrom(slices.Sorted(maps.Keys(m.inFlight))).Draw(r, "ends"), func(customer string) {
				a.Do(t, `update compra set estado = 'CONFIRMADA' where id = (select id from compra where id_usuario = $1 and estado = 'INICIADA' limit 1)`, customer)
			})
		}
	})
}

type waiting struct {
	id, customer string
	domicilio    bool
	since        time.Duration
}

// model computes in Go which purchases start next.
type model struct {
	p        compras.Places
	waiting  []waiting
	inFlight map[string]int
}

// take returns at most n of the purchases that start next, without starting them.
func (m *model) take(n int) []waiting {
	taken := 0
	for _, k := range m.inFlight {
		taken += k
	}
	best := slices.Clone(m.waiting)
	position := map[string]int{}
	slices.SortFunc(best, func(a, b waiting) int { return cmp.Compare(b.since, a.since) })
	for _, w := range best {
		lane := fmt.Sprint(w.customer, w.domicilio)
		position[lane]++
		position[w.id] = m.inFlight[w.customer] + position[lane]
	}
	age := func(w waiting) time.Duration {
		if w.domicilio {
			return w.since + m.p.HeadStart
		}
		return w.since
	}
	class := func(w waiting) int {
		switch {
		case w.since >= m.p.HeadStart:
			return 0
		case w.domicilio:
			return 1
		}
		return 2
	}
	best = slices.DeleteFunc(best, func(w waiting) bool { return class(w) > 0 && m.inFlight[w.customer] >= m.p.PerCustomer })
	slices.SortFunc(best, func(a, b waiting) int {
		if c := cmp.Compare(class(a), class(b)); c != 0 {
			return c
		}
		if class(a) == 0 {
			return cmp.Compare(age(b), age(a))
		}
		return cmp.Or(cmp.Compare(position[a.id], position[b.id]), cmp.Compare(b.since, a.since))
	})
	return best[:max(0, min(n, len(best), m.p.Total-taken))]
}

func (m *model) start(w waiting) {
	m.inFlight[w.customer]++
	m.waiting = slices.DeleteFunc(m.waiting, func(o waiting) bool { return o.id == w.id })
}

func (m *model) end(customer string, do func(string)) {
	if m.inFlight[customer] > 0 {
		m.inFlight[customer]--
		do(customer)
	}
}

// BenchmarkAdmission measures TakeTurns for one place while 20,000 purchases of 1, 1,000 or 20,000 customers wait. Run it with
// go test -bench Admission ./gestor-compra/postgres.
func BenchmarkAdmission(b *testing.B) {
	for _, customers := range []int{1, 1_000, 20_000} {
		b.Run(fmt.Sprint(customers, " customers"), func(b *testing.B) {
			a := postgrestest.New(b)
			a.Do(b, `insert into compra (id, id_usuario, estado, domicilio, productos, creada_en)
select gen_random_uuid(), n % $1, 'RECIBIDA', n % 2 = 0, '[]', now() - n * interval '10 ms' from generate_series(1, 20000) n`, customers)
			a.Do(b, `insert into compra (id, id_usuario, estado, domicilio, productos)
select gen_random_uuid(), n % $1, 'INICIADA', false, '[]' from generate_series(1, 30) n`, customers)
			a.Do(b, `vacuum analyze compra`)
			for b.Loop() {
				turns, err := a.TakeTurns(b.Context(), compras.Places{Total: 31, PerCustomer: 40, HeadStart: headStart, Lease: long})
				if err != nil || len(turns) != 1 {
					b.Fatal(turns, err)
				}
				a.Do(b, `update compra set leased_until = null where id = $1`, turns[0].ID)
			}
		})
	}
}
