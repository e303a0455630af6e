package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
	. "entregas/tests/prueba"
)

// plazoTrasCaida is for what ends only after a crashed engine has taken its work up again: tens of seconds.
const plazoTrasCaida = 3 * time.Minute

// enVuelo is how many purchases are under way when something is broken.
const enVuelo = 50

// comprarVarias sends so many purchases at once, each of them one that can be confirmed.
func comprarVarias(t *testing.T, s *Sistema, n int) []string {
	t.Helper()
	s.Surtir(t, map[string]int{"1": 500, "2": 500, "5": 500})
	u := Usuario(t)
	return s.ComprarMuchas(t, n, n, func(i int) contracts.SolicitudCompra {
		return contracts.SolicitudCompra{IDUsuario: fmt.Sprintf("%s-%d", u, i%5), Domicilio: i%3 == 0, Productos: []contracts.Linea{
			Linea([]string{"1", "2", "5"}[i%3], 1), Linea([]string{"1", "2", "5"}[(i+1)%3], 2),
		}}
	})
}

// kill -9 of the app, the sidecar, and both at once, of each service, with 50 purchases in flight: every purchase ends right,
// nothing is lost, made up or done twice, and no message becomes a dead letter because of trouble
// (docs/adr/trouble-is-not-a-bad-message.md).
func TestMatar(t *testing.T) {
	s := ParaRomper(t)
	for _, m := range []struct {
		servicio string
		clases   []string
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
		t.Run(m.servicio+" "+strings.Join(m.clases, " y "), func(t *testing.T) {
			sinMuertos := s.SinMuertos(t)
			matar := s.Victima(t, m.servicio, m.clases...)
			ids := comprarVarias(t, s, 2*enVuelo) // taken faster than they are done: at least half of them are under way now
			matar()
			inicio, van := time.Now(), Contar(t, s.BaseGestor, `select count(*) from compra where id = any($1) and estado <> 'CONFIRMADA'`, ids)
			s.TodasConfirmadas(t, plazoTrasCaida, ids)
			t.Logf("%d en vuelo al matar; todas confirmadas %s después", van, time.Since(inicio).Round(100*time.Millisecond))
			s.TodosSanos(t)
			ids = comprarVarias(t, s, 5) // and it goes on
			s.TodasConfirmadas(t, plazoTrasCaida, ids)
			sinMuertos()
		})
	}
}

// A minute without consolidador: purchases wait, nothing is a dead letter, nobody is compensated; then all go through.
func TestUnMinutoSinConsolidador(t *testing.T) {
	s := ParaRomper(t)
	sinMuertos := s.SinMuertos(t)
	s.Parar(t, "consolidador")
	ids := comprarVarias(t, s, enVuelo)
	time.Sleep(time.Minute) // the outage itself: there is nothing to wait for
	s.Orden(t, "start", "consolidador")
	s.TodasConfirmadas(t, plazoTrasCaida, ids)
	if n := Contar(t, s.BaseGestor, `select count(*) from historia where id_compra = any($1) and paso = 'COMPENSANDO'`, ids); n > 0 {
		t.Errorf("se compensaron %d compras", n)
	}
	sinMuertos()
}
