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

// capacity is gestor-compra's setting MAX_IN_FLIGHT as it is when nobody sets it.
const capacity = 64

// With two replicas that give out places, no most purchases are in flight than there are places, and of those that wait
// the ones with home delivery go first.
func TestCapacityAndSequence(t *testing.T) {
	s := ForBreaking(t)
	s.Restock(t, map[string]int{"1": 500})
	s.Run(t, "start", "gestor-compra-2")
	t.Cleanup(func() { s.Run(t, "stop", "gestor-compra-2") })
	s.Stop(t, "consolidador") // now each purchase that has a place keeps it

	u := Usuario(t)
	comprar := func(n int, domicilio func(i int) bool) []string {
		return s.ComprarMany(t, n, 16, func(i int) contracts.SolicitudCompra {
			return contracts.SolicitudCompra{IDUsuario: fmt.Sprintf("%s-%d", u, i%5), Productos: []contracts.Linea{Linea("1", 1)}, Domicilio: domicilio(i)}
		})
	}
	first := comprar(capacity, func(int) bool { return false })
	Until(t, "todos los lugares ocupados", func(context.Context) (bool, error) {
		n := Count(t, s.ManagerDatabase, `select count(*) from compra where id = any($1) and estado = 'INICIADA'`, first)
		return n == capacity, fmt.Errorf("%d de %d", n, capacity)
	})
	waiting := comprar(60, func(i int) bool { return i%2 == 1 })
	s.Run(t, "start", "consolidador")
	all := slices.Concat(first, waiting)
	s.AllConfirmed(t, Deadline, all)

	if n := mostAtOnce(t, s, all); n != capacity {
		t.Errorf("llegó a haber %d en vuelo, y los lugares son %d", n, capacity)
	}
	wantHomeDeliveryFirst(t, s, waiting)
}

// mostAtOnce is how many of the purchases were in flight at one time, by their histories. A place is given up no
// earlier than the history says, and taken no later.
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

// withoutPriority finds purchases without home delivery that got their place before one with. The lease tells when; those
// given out by one statement differ by less than the margin.
func wantHomeDeliveryFirst(t *testing.T, s *System, ids []string) {
	t.Helper()
	n := Count(t, s.ManagerDatabase, `select count(*) from compra normal join compra urgente on urgente.domicilio and not normal.domicilio
		and urgente.arriendo_hasta > normal.arriendo_hasta + interval '50 ms'
		where normal.id = any($1) and urgente.id = any($1)`, ids)
	if n > 0 {
		t.Errorf("%d veces una compra sin domicilio pasó antes que una con domicilio", n)
	}
}
