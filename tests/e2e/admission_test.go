package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// capacity is the default of MAX_IN_FLIGHT of gestor-compra.
const capacity = 64

// Two replicas of gestor-compra give out the places. At no time are more purchases in flight than there are places. Among the waiting
// purchases, those with home delivery go first.
func TestCapacityAndSequence(t *testing.T) {
	s := ForBreaking(t)
	s.Restock(t, map[string]int{"1": 500})
	s.Run(t, "start", "gestor-compra-2")
	t.Cleanup(func() { s.Run(t, "stop", "gestor-compra-2") })
	s.Stop(t, "consolidador") // so a purchase that has a place keeps it

	u := Usuario(t)
	comprar := func(n int, domicilio func(i int) bool) []string {
		return s.ComprarMany(t, n, 16, func(i int) contracts.SolicitudCompra {
			return contracts.SolicitudCompra{IDUsuario: fmt.Sprintf("%s-%d", u, i%5), Productos: []contracts.Linea{Linea("1", 1)}, Domicilio: domicilio(i)}
		})
	}
	first := comprar(capacity, func(int) bool { return false })
	Until(t, "all places taken", func(context.Context) (bool, error) {
		n := Count(t, s.ManagerDatabase, `select count(*) from compra where id = any($1) and estado = 'INICIADA'`, first)
		return n == capacity, fmt.Errorf("%d of %d", n, capacity)
	})
	waiting := comprar(60, func(i int) bool { return i%2 == 1 })
	s.Run(t, "start", "consolidador")
	all := slices.Concat(first, waiting)
	s.AllConfirmed(t, Deadline, all)

	if n := mostAtOnce(t, s, all); n != capacity {
		t.Errorf("%d were in flight at one time, and there are %d places", n, capacity)
	}
	wantHomeDeliveryFirst(t, s, waiting)
}

// mostAtOnce returns the largest number of the purchases that were in flight at one time, by their histories. A purchase gives its
// place up no earlier than its history says, and takes it no later.
func mostAtOnce(t *testing.T, s *System, ids []string) int {
	t.Helper()
	type change struct {
		En   time.Time
		Paso string
	}
	changes, err := client.Rows[change](t.Context(), s.ManagerDatabase, `select en, paso from historia where id_compra = any($1) and paso in ('INICIADA', 'CONFIRMADA') order by en`, ids)
	if err != nil {
		t.Fatal(err)
	}
	now, most := 0, 0
	for _, c := range changes {
		if c.Paso == "INICIADA" {
			now++
		} else {
			now--
		}
		most = max(most, now)
	}
	return most
}

// wantHomeDeliveryFirst fails the test when a purchase without home delivery got its place before a purchase with home delivery. The
// lease shows when a purchase got its place. One statement may give out several places: their times differ by less than the 50 ms of
// the query.
func wantHomeDeliveryFirst(t *testing.T, s *System, ids []string) {
	t.Helper()
	n := Count(t, s.ManagerDatabase, `select count(*) from compra normal join compra urgente on urgente.domicilio and not normal.domicilio
		and urgente.leased_until > normal.leased_until + interval '50 ms'
		where normal.id = any($1) and urgente.id = any($1)`, ids)
	if n > 0 {
		t.Errorf("a purchase without home delivery passed one with it %d times", n)
	}
}
