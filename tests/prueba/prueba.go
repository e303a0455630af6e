// Package prueba is what the tests of the whole system share: a system that is up, waiting for what must come true, and
// the checks that hold after anything. It uses public interfaces only.
package prueba

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/tests/cliente"
)

// Plazo is how long anything may take that is expected to happen. It is generous: no test is about speed.
const Plazo = 45 * time.Second

// Sistema is a running copy of everything, seen from outside.
type Sistema struct {
	Entorno                     cliente.Entorno
	BFF, Gestor, Admin, Ordenes *cliente.Cliente
	BaseGestor, BaseProductos   *cliente.Base
	BaseOrdenes                 *cliente.Base
	Broker                      *cliente.Broker
	Local                       *cliente.Local
}

// Abrir connects to the system that the environment names, and skips the test where it names none.
func Abrir(t *testing.T) *Sistema {
	t.Helper()
	e, err := cliente.DelEntorno()
	if err != nil {
		t.Skip(err)
	}
	s := &Sistema{
		Entorno: e, BFF: cliente.Nuevo(e.BFF), Gestor: cliente.Directo(e.Gestor), Admin: cliente.Directo(e.Admin), Ordenes: cliente.Directo(e.Ordenes),
		Local: &cliente.Local{Raiz: e.Raiz, Instancia: e.Instancia},
	}
	for dsn, base := range map[string]**cliente.Base{e.DSNGestorCompra: &s.BaseGestor, e.DSNProductos: &s.BaseProductos, e.DSNOrdenes: &s.BaseOrdenes} {
		if *base, err = cliente.AbrirBase(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
		t.Cleanup((*base).Cerrar)
	}
	if s.Broker, err = cliente.AbrirBroker(e); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Broker.Cerrar)
	return s
}

// EsPropio tells that nobody else uses this copy of the system: it is not the daily one.
func (s *Sistema) EsPropio() bool { return s.Entorno.Instancia != "up" }

// ParaRomper is Abrir for tests that stop and kill: not in the daily copy.
func ParaRomper(t *testing.T) *Sistema {
	t.Helper()
	s := Abrir(t)
	if !s.EsPropio() {
		t.Skip("esta prueba para servicios: no en la instancia de todos los días")
	}
	return s
}

// Usuario is a customer of this test alone.
func Usuario(t *testing.T) string {
	nombre := strings.ToLower(strings.NewReplacer("/", "-", " ", "-").Replace(strings.TrimPrefix(t.Name(), "Test")))
	return fmt.Sprintf("%.40s-%s", nombre, rand.Text()[:8])
}

// NuevoID is an id for a purchase, in the order of time.
func NuevoID() string { return uuid.Must(uuid.NewV7()).String() }

// Linea is a product and how many of it.
func Linea(id string, cantidad int) contracts.Linea {
	return contracts.Linea{IDProducto: id, Cantidad: cantidad}
}

// Hasta polls until cierto says true, and fails the test when Plazo has passed; que tells what was waited for.
func Hasta(t *testing.T, que string, cierto func(ctx context.Context) (bool, error)) {
	t.Helper()
	HastaEn(t, Plazo, que, cierto)
}

// HastaEn is Hasta with a time of its own.
func HastaEn(t *testing.T, plazo time.Duration, que string, cierto func(ctx context.Context) (bool, error)) {
	t.Helper()
	ctx, soltar := context.WithTimeout(t.Context(), plazo)
	defer soltar()
	var ultimo error
	for espera := 5 * time.Millisecond; ; espera = min(2*espera, 200*time.Millisecond) {
		listo, err := cierto(ctx)
		if listo {
			return
		}
		if err != nil && ctx.Err() == nil {
			ultimo = err
		}
		select {
		case <-ctx.Done():
			t.Fatalf("en %s no llegó: %s (último error: %v)", plazo, que, ultimo)
		case <-time.After(espera):
		}
	}
}

// Orden runs the `local` program on this copy of the system: stop, start, restart of a service.
func (s *Sistema) Orden(t *testing.T, args ...string) {
	t.Helper()
	ctx, soltar := context.WithTimeout(context.Background(), 10*time.Minute) // it waits as long as what starts gets on; also in a Cleanup, when the test's own context has ended
	defer soltar()
	if err := s.Local.Orden(ctx, args...); err != nil {
		t.Fatal(err)
	}
}

// Surtir sees to it that there are at least so many of each product.
func (s *Sistema) Surtir(t *testing.T, minimos map[string]int) {
	t.Helper()
	if _, err := s.Admin.Surtir(t.Context(), minimos, "prueba-"+rand.Text()); err != nil {
		t.Fatal(err)
	}
}

// Parar stops a service with its sidecar, until the test starts it again or ends.
func (s *Sistema) Parar(t *testing.T, servicio string) {
	t.Helper()
	t.Cleanup(func() { s.Orden(t, "start", servicio) })
	s.Orden(t, "stop", servicio)
}
