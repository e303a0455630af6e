package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// deadlineAfterCrash is how long a test waits after a crash: the engine takes tens of seconds to take up its work again.
const deadlineAfterCrash = 3 * time.Minute

// inFlight is the number of purchases in flight when a test causes a fault.
const inFlight = 50

// comprarSeveral sends n purchases at the same time. Each can be confirmed.
func comprarSeveral(t *testing.T, s *System, n int) []string {
	t.Helper()
	s.Restock(t, map[string]int{"1": 500, "2": 500, "5": 500})
	u := Usuario(t)
	return s.ComprarMany(t, n, n, func(i int) contracts.SolicitudCompra {
		return contracts.SolicitudCompra{IDUsuario: fmt.Sprintf("%s-%d", u, i%5), Domicilio: i%3 == 0, Productos: []contracts.Linea{
			Linea([]string{"1", "2", "5"}[i%3], 1), Linea([]string{"1", "2", "5"}[(i+1)%3], 2),
		}}
	})
}

// SIGKILL ends the app of a service, its sidecar, or both, while tens of purchases are in flight. Every purchase is confirmed, no
// unit is lost, made up or moved twice, and no message becomes a dead letter (docs/adr/trouble-is-not-a-bad-message.md).
func TestKill(t *testing.T) {
	s := ForBreaking(t)
	for _, m := range []struct {
		service string
		classes []string
	}{
		{"gestor-compra", []string{"app"}},
		{"gestor-compra", []string{"sidecar"}},
		{"gestor-compra", []string{"app", "sidecar"}},
		{"admin-productos", []string{"app"}},
		{"admin-productos", []string{"sidecar", "app"}},
		{"consolidador", []string{"app"}},
		{"consolidador", []string{"sidecar", "app"}},
		{"ordenes", []string{"app"}},
		{"ordenes", []string{"sidecar", "app"}},
		{"bff", []string{"sidecar", "app"}},
	} {
		t.Run(m.service+" "+strings.Join(m.classes, " and "), func(t *testing.T) {
			noDeadLetters := s.NoDeadLetters(t)
			kill := s.Victim(t, m.service, m.classes...)
			ids := comprarSeveral(t, s, inFlight+10) // the bff accepts purchases faster than the saga finishes them
			met := Count(t, s.ManagerDatabase, `select count(*) from compra where id = any($1) and estado <> 'CONFIRMADA'`, ids)
			kill()
			start := time.Now()
			if met < inFlight/2 {
				t.Errorf("only %d purchases were in flight at the kill", met)
			}
			s.AllConfirmed(t, deadlineAfterCrash, ids)
			t.Logf("%d in flight at the kill; all confirmed %s later", met, time.Since(start).Round(100*time.Millisecond))
			s.AllHealthy(t)
			ids = comprarSeveral(t, s, 5) // the system still works
			s.AllConfirmed(t, deadlineAfterCrash, ids)
			noDeadLetters()
		})
	}
}

// consolidador is down until every step that waits for it has sent its command twice. Purchases wait: none is rolled back, and no
// message becomes a dead letter. Then all purchases are confirmed. A step sends its command again after ASK_AGAIN_AFTER, which
// tools/test.sh shortens.
func TestStepsOutwaitAnOutage(t *testing.T) {
	s := ForBreaking(t)
	noDeadLetters := s.NoDeadLetters(t)
	s.Stop(t, "consolidador")
	before := commands(t, s)
	ids := comprarSeveral(t, s, inFlight)
	UntilWithin(t, deadlineAfterCrash, "every step asked twice", func(context.Context) (bool, error) {
		n := commands(t, s) - before
		return n >= 2*inFlight, fmt.Errorf("so far %d commands", n)
	})
	s.Run(t, "start", "consolidador")
	s.AllConfirmed(t, deadlineAfterCrash, ids)
	if n := Count(t, s.ManagerDatabase, `select count(*) from historia where id_compra = any($1) and paso = 'COMPENSANDO'`, ids); n > 0 {
		t.Errorf("%d purchases were compensated", n)
	}
	noDeadLetters()
}

// commands returns how many commands consolidador got so far.
func commands(t *testing.T, s *System) int64 {
	t.Helper()
	n, err := s.Broker.Entered(t.Context(), string(contracts.ComandosInventario))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
