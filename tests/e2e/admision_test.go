package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/tests/cliente"
	. "entregas/tests/prueba"
)

// cupo is gestor-compra's setting MAX_IN_FLIGHT as it is when nobody sets it.
const cupo = 64

// With two replicas that give out places, no more purchases are in flight than there are places, and of those that wait
// the ones with home delivery go first.
func TestCupoYOrden(t *testing.T) {
	s := ParaRomper(t)
	s.Surtir(t, map[string]int{"1": 500})
	s.Orden(t, "start", "gestor-compra-2")
	t.Cleanup(func() { s.Orden(t, "stop", "gestor-compra-2") })
	s.Parar(t, "consolidador") // now each purchase that has a place keeps it

	u := Usuario(t)
	comprar := func(n int, domicilio func(i int) bool) []string {
		return s.ComprarMuchas(t, n, 16, func(i int) contracts.SolicitudCompra {
			return contracts.SolicitudCompra{IDUsuario: fmt.Sprintf("%s-%d", u, i%5), Productos: []contracts.Linea{Linea("1", 1)}, Domicilio: domicilio(i)}
		})
	}
	primeras := comprar(cupo, func(int) bool { return false })
	Hasta(t, "todos los lugares ocupados", func(context.Context) (bool, error) {
		n := Contar(t, s.BaseGestor, `select count(*) from compra where id = any($1) and estado = 'INICIADA'`, primeras)
		return n == cupo, fmt.Errorf("%d de %d", n, cupo)
	})
	esperan := comprar(60, func(i int) bool { return i%2 == 1 })
	s.Orden(t, "start", "consolidador")
	todas := slices.Concat(primeras, esperan)
	s.TodasConfirmadas(t, Plazo, todas)

	if n := masALaVez(t, s, todas); n != cupo {
		t.Errorf("llegó a haber %d en vuelo, y los lugares son %d", n, cupo)
	}
	sinPrioridad(t, s, esperan)
}

// masALaVez is how many of the purchases were in flight at one time, by their histories. A place is given up no
// earlier than the history says, and taken no later.
func masALaVez(t *testing.T, s *Sistema, ids []string) int {
	t.Helper()
	type cambio struct {
		En   time.Time
		Paso string
	}
	cambios, err := cliente.Filas[cambio](t.Context(), s.BaseGestor, `select en, paso from historia where id_compra = any($1) and paso in ('INICIADA', 'CONFIRMADA') order by en`, ids)
	if err != nil {
		t.Fatal(err)
	}
	ahora, mas := 0, 0
	for _, c := range cambios {
		if c.Paso == "INICIADA" {
			ahora++
		} else {
			ahora--
		}
		mas = max(mas, ahora)
	}
	return mas
}

// sinPrioridad finds purchases without home delivery that got their place before one with. The lease tells when; those
// given out by one statement differ by less than the margin.
func sinPrioridad(t *testing.T, s *Sistema, ids []string) {
	t.Helper()
	n := Contar(t, s.BaseGestor, `select count(*) from compra normal join compra urgente on urgente.domicilio and not normal.domicilio
		and urgente.arriendo_hasta > normal.arriendo_hasta + interval '50 ms'
		where normal.id = any($1) and urgente.id = any($1)`, ids)
	if n > 0 {
		t.Errorf("%d veces una compra sin domicilio pasó antes que una con domicilio", n)
	}
}
