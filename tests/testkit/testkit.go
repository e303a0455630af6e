// Package testkit has the code that the tests of the whole system use: a connection to a running system, functions that wait, and the
// checks that must hold after every test. It uses only public interfaces.
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

// Deadline is the time that a test waits for an event that must happen. It is long, because no test measures speed.
const Deadline = 45 * time.Second

// System is a running instance of the whole system, seen from outside.
type System struct {
	Env                                client.Env
	BFF, Manager, Admin, Ordenes       *client.Client
	ManagerDatabase, ProductosDatabase *client.Database
	OrdenesDatabase                    *client.Database
	Broker                             *client.Broker
	Local                              *client.Local
}

// Open connects to the system whose addresses are in the environment. It skips the test when the environment has no addresses.
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

// IsOwn reports whether only tests use this instance: it is not the instance `up`, which is for daily work.
func (s *System) IsOwn() bool { return s.Env.Instance != "up" }

// ForBreaking is Open for tests that stop and kill processes. It skips the test on the instance `up`.
func ForBreaking(t *testing.T) *System {
	t.Helper()
	s := Open(t)
	if !s.IsOwn() {
		t.Skip("this test stops services: not on the instance up")
	}
	return s
}

// Usuario returns the name of a customer that no other test uses.
func Usuario(t *testing.T) string {
	name := strings.ToLower(strings.NewReplacer("/", "-", " ", "-").Replace(strings.TrimPrefix(t.Name(), "Test")))
	return fmt.Sprintf("%.40s-%s", name, rand.Text()[:8])
}

// NewID returns an id for a purchase. Ids sort by time.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Linea returns a line of a purchase.
func Linea(id string, cantidad int) contracts.Linea {
	return contracts.Linea{IDProducto: id, Cantidad: cantidad}
}

// Until calls isTrue until it returns true, and fails the test after Deadline. what describes the awaited event in the error.
func Until(t *testing.T, what string, isTrue func(ctx context.Context) (bool, error)) {
	t.Helper()
	UntilWithin(t, Deadline, what, isTrue)
}

// UntilWithin is Until with another deadline.
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
			t.Fatalf("not within %s: %s (last error: %v)", deadline, what, last)
		case <-time.After(delay):
		}
	}
}

// Run runs a command of the program `local` on this instance: stop, start or restart of a service.
func (s *System) Run(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // not t.Context(), which has ended when a Cleanup runs
	defer cancel()
	if err := s.Local.Run(ctx, args...); err != nil {
		t.Fatal(err)
	}
}

// Restock restocks the products that have fewer units than minimums says.
func (s *System) Restock(t *testing.T, minimums map[string]int) {
	t.Helper()
	if _, err := s.Admin.Restock(t.Context(), minimums, "test-"+rand.Text()); err != nil {
		t.Fatal(err)
	}
}

// Stop stops a service with its sidecar, until the test starts it again or ends.
func (s *System) Stop(t *testing.T, service string) {
	t.Helper()
	t.Cleanup(func() { s.Run(t, "start", service) })
	s.Run(t, "stop", service)
}
