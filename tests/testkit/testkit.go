// Package testkit is what the tests of the whole system share: a system that is up, waiting for what must come true, and
// the checks that hold after anything. It uses public interfaces only.
package testkit

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/tests/client"
)

// Deadline is how long anything may take that is expected to happen. It is generous: no test is about speed.
const Deadline = 45 * time.Second

// System is a running copy of everything, seen from outside.
type System struct {
	Env                                client.Env
	BFF, Manager, Admin, Ordenes       *client.Client
	ManagerDatabase, ProductosDatabase *client.Database
	OrdenesDatabase                    *client.Database
	Broker                             *client.Broker
	Local                              *client.Local
}

// Open connects to the system that the environment names, and skips the test where it names none.
func Open(t *testing.T) *System {
	t.Helper()
	e, err := client.FromEnv()
	if err != nil {
		t.Skip(err)
	}
	s := &System{
		Env: e, BFF: client.New(e.BFF), Manager: client.Direct(e.Manager), Admin: client.Direct(e.Admin), Ordenes: client.Direct(e.Ordenes),
		Local: &client.Local{Root: e.Root, Instance: e.Instance},
	}
	for dsn, database := range map[string]**client.Database{e.ManagerDSN: &s.ManagerDatabase, e.ProductosDSN: &s.ProductosDatabase, e.OrdenesDSN: &s.OrdenesDatabase} {
		if *database, err = client.OpenDatabase(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
		t.Cleanup((*database).Close)
	}
	if s.Broker, err = client.OpenBroker(e); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Broker.Close)
	return s
}

// IsOwn tells that nobody else uses this copy of the system: it is not the daily one.
func (s *System) IsOwn() bool { return s.Env.Instance != "up" }

// ForBreaking is Open for tests that stop and kill: not in the daily copy.
func ForBreaking(t *testing.T) *System {
	t.Helper()
	s := Open(t)
	if !s.IsOwn() {
		t.Skip("esta prueba para servicios: no en la instancia de todos los días")
	}
	return s
}

// Usuario is a customer of this test alone.
func Usuario(t *testing.T) string {
	name := strings.ToLower(strings.NewReplacer("/", "-", " ", "-").Replace(strings.TrimPrefix(t.Name(), "Test")))
	return fmt.Sprintf("%.40s-%s", name, rand.Text()[:8])
}

// NewID is an id for a purchase, in the order of time.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Linea is a product and how many of it.
func Linea(id string, cantidad int) contracts.Linea {
	return contracts.Linea{IDProducto: id, Cantidad: cantidad}
}

// Until polls until isTrue says true, and fails the test when Deadline has passed; que tells what was waited for.
func Until(t *testing.T, what string, isTrue func(ctx context.Context) (bool, error)) {
	t.Helper()
	UntilWithin(t, Deadline, what, isTrue)
}

// UntilWithin is Until with a time of its own.
func UntilWithin(t *testing.T, deadline time.Duration, what string, isTrue func(ctx context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	var last error
	for delay := 5 * time.Millisecond; ; delay = min(2*delay, 200*time.Millisecond) {
		ready, err := isTrue(ctx)
		if ready {
			return
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			t.Fatalf("en %s no llegó: %s (último error: %v)", deadline, what, last)
		case <-time.After(delay):
		}
	}
}

// Orden runs the `local` program on this copy of the system: stop, start, restart of a service.
func (s *System) Run(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // it waits as long as what starts gets on; also in a Cleanup, when the test's own context has ended
	defer cancel()
	if err := s.Local.Run(ctx, args...); err != nil {
		t.Fatal(err)
	}
}

// Restock sees to it that there are at least so many of each product.
func (s *System) Restock(t *testing.T, minimums map[string]int) {
	t.Helper()
	if _, err := s.Admin.Restock(t.Context(), minimums, "prueba-"+rand.Text()); err != nil {
		t.Fatal(err)
	}
}

// Stop stops a service with its sidecar, until the test starts it again or ends.
func (s *System) Stop(t *testing.T, service string) {
	t.Helper()
	t.Cleanup(func() { s.Run(t, "start", service) })
	s.Run(t, "stop", service)
}
