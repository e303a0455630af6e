package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// deadlineAfterCrash is for what ends only after a crashed engine has taken its work up again: tens of seconds.
const deadlineAfterCrash = 3 * time.Minute

// inFlight is how many purchases are under way when something is broken.
const inFlight = 50

// comprarSeveral sends so many purchases at once, each of them one that can be confirmed.
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

// kill -9 of the app, the sidecar, and both at once, of each service, with 50 purchases in flight: every purchase ends right,
// nothing is lost, made up or done twice, and no message becomes a dead letter because of trouble
// (docs/adr/trouble-is-not-a-bad-message.md).
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
		t.Run(m.service+" "+strings.Join(m.classes, " y "), func(t *testing.T) {
			noDeadLetters := s.NoDeadLetters(t)
			kill := s.Victim(t, m.service, m.classes...)
			ids := comprarSeveral(t, s, 2*inFlight) // taken faster than they are done: at least half of them are under way now
			kill()
			start, done := time.Now(), Count(t, s.ManagerDatabase, `select count(*) from compra where id = any($1) and estado <> 'CONFIRMADA'`, ids)
			s.AllConfirmed(t, deadlineAfterCrash, ids)
			t.Logf("%d en vuelo al matar; todas confirmadas %s después", done, time.Since(start).Round(100*time.Millisecond))
			s.AllHealthy(t)
			ids = comprarSeveral(t, s, 5) // and it goes on
			s.AllConfirmed(t, deadlineAfterCrash, ids)
			noDeadLetters()
		})
	}
}

// A minute without consolidador: purchases wait, nothing is a dead letter, nobody is compensated; then all go through.
func TestOneMinuteWithoutConsolidador(t *testing.T) {
	s := ForBreaking(t)
	noDeadLetters := s.NoDeadLetters(t)
	s.Stop(t, "consolidador")
	ids := comprarSeveral(t, s, inFlight)
	time.Sleep(time.Minute) // the outage itself: there is nothing to wait for
	s.Run(t, "start", "consolidador")
	s.AllConfirmed(t, deadlineAfterCrash, ids)
	if n := Count(t, s.ManagerDatabase, `select count(*) from historia where id_compra = any($1) and paso = 'COMPENSANDO'`, ids); n > 0 {
		t.Errorf("se compensaron %d compras", n)
	}
	noDeadLetters()
}
