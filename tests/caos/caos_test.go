// Package caos breaks the running system and holds it to what it promises all the same: every purchase ends right, nothing
// is lost, made up or done twice, and no message becomes a dead letter because of trouble (decision 11).
package caos

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
	. "entregas/tests/prueba"
)

// plazo is for what ends only after a crashed engine has taken its work up again: tens of seconds.
const plazo = 3 * time.Minute

// enVuelo is how many purchases are under way when something is broken.
const enVuelo = 50

// comprar sends so many purchases at once, each of them one that can be confirmed.
func comprar(t *testing.T, s *Sistema, n int) []string {
	t.Helper()
	s.Surtir(t, map[string]int{"1": 500, "2": 500, "5": 500})
	u := Usuario(t)
	return s.ComprarMuchas(t, n, n, func(i int) contracts.SolicitudCompra {
		return contracts.SolicitudCompra{IDUsuario: fmt.Sprintf("%s-%d", u, i%5), Domicilio: i%3 == 0, Productos: []contracts.Linea{
			Linea([]string{"1", "2", "5"}[i%3], 1), Linea([]string{"1", "2", "5"}[(i+1)%3], 2),
		}}
	})
}

// kill -9 of the app, the sidecar, and both at once, of each service, with 50 purchases in flight.
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
			ids := comprar(t, s, 2*enVuelo) // taken faster than they are done: at least half of them are under way now
			matar()
			inicio, van := time.Now(), Contar(t, s.BaseGestor, `select count(*) from compra where id = any($1) and estado <> 'CONFIRMADA'`, ids)
			s.TodasConfirmadas(t, plazo, ids)
			t.Logf("%d en vuelo al matar; todas confirmadas %s después", van, time.Since(inicio).Round(100*time.Millisecond))
			s.TodosSanos(t)
			ids = comprar(t, s, 5) // and it goes on
			s.TodasConfirmadas(t, plazo, ids)
			sinMuertos()
		})
	}
}

// A minute without consolidador: purchases wait, nothing is a dead letter, nobody is compensated; then all go through.
func TestUnMinutoSinConsolidador(t *testing.T) {
	s := ParaRomper(t)
	sinMuertos := s.SinMuertos(t)
	s.Parar(t, "consolidador")
	ids := comprar(t, s, enVuelo)
	time.Sleep(time.Minute) // the outage itself: there is nothing to wait for
	s.Orden(t, "start", "consolidador")
	s.TodasConfirmadas(t, plazo, ids)
	if n := Contar(t, s.BaseGestor, `select count(*) from historia where id_compra = any($1) and paso = 'COMPENSANDO'`, ids); n > 0 {
		t.Errorf("se compensaron %d compras", n)
	}
	sinMuertos()
}

// Dispatch and cancellation of a confirmed purchase at once, a hundred times: ordenes decides, both are told the same, and
// all three databases agree.
func TestDespachoContraCancelacion(t *testing.T) {
	s := ParaRomper(t)
	sinMuertos := s.SinMuertos(t)
	ids := comprar(t, s, 100)
	s.TodasConfirmadas(t, plazo, ids)
	errores := make([][]error, len(ids))
	for tanda := range slices.Chunk(indices(len(ids)), 20) {
		var hacer []func() error
		for _, i := range tanda {
			hacer = append(hacer, func() error {
				errores[i] = despachoYCancelacion(t, s, ids[i], time.Duration(i%8)*150*time.Millisecond)
				return nil
			})
		}
		ALaVez(hacer...)
	}
	cuantas := esperarFinales(t, s, ids)
	if cuantas[contracts.EstadoDespachada]+cuantas[contracts.EstadoCancelada] != len(ids) || len(cuantas) < 2 {
		t.Errorf("terminaron %v; se esperaban despachadas y canceladas, de las dos", cuantas)
	}
	for i, id := range ids {
		c, err := s.BFF.Leer(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		despacho, cancelacion := errores[i][0], errores[i][1]
		if (c.Estado == contracts.EstadoDespachada) != (despacho == nil) || (c.Estado == contracts.EstadoCancelada && cancelacion != nil) {
			t.Errorf("%s quedó %s, y respondieron: despachar %v, cancelar %v", id, c.Estado, despacho, cancelacion)
		}
	}
	s.Cuadran(t, ids)
	t.Logf("%v", cuantas)
	sinMuertos()
}

func indices(n int) []int {
	todos := make([]int, n)
	for i := range todos {
		todos[i] = i
	}
	return todos
}

// despachoYCancelacion lets both go at once. The dispatch is the shorter way, so in some it starts a little later: else
// it would always win.
func despachoYCancelacion(t *testing.T, s *Sistema, id string, ventaja time.Duration) []error {
	c, err := s.BFF.Leer(t.Context(), id)
	if err != nil {
		return []error{err, err}
	}
	return ALaVez(
		func() error { time.Sleep(ventaja); _, err := s.BFF.Despachar(t.Context(), c.IDOrden); return err },
		func() error { _, err := s.BFF.Cancelar(t.Context(), id, "Ya no."); return err },
	)
}
