package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// The database of the bff refuses writes, as a full database does, or is down. Sagas continue, and the bff refuses only the requests
// that need the database. docs/adr/the-bffs-own-store.md.
func TestWithoutTheBffDatabase(t *testing.T) {
	s := ForBreaking(t)
	s.Restock(t, map[string]int{"1": 100})
	noDeadLetters := s.NoDeadLetters(t)
	for _, c := range []struct{ name, breaks, mends string }{
		{"takes no writes", "alter database bff set default_transaction_read_only = on", "alter database bff reset default_transaction_read_only"},
		{"is gone", "alter database bff with allow_connections false", "alter database bff with allow_connections true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := Usuario(t)
			purchase := contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("1", 1)}, Domicilio: true}
			ids := s.ComprarMany(t, 10, 10, func(int) contracts.SolicitudCompra { return purchase }) // in flight when the database fails
			mended := false
			t.Cleanup(func() { // it ends connections, which would disturb the next test
				if !mended {
					administer(t, s, c.mends)
				}
			})
			administer(t, s, c.breaks)

			ids = append(ids, s.Comprar(t, purchase))
			s.AllIn(t, contracts.EstadoConfirmada, ids)
			for path, want := range map[string]int{
				"/productos": http.StatusOK, "/compras/" + ids[10]: http.StatusOK, "/usuarios/" + u + "/compras": http.StatusOK, "/compras": http.StatusOK,
			} {
				if r, err := s.BFF.Request(t.Context(), http.MethodGet, path, nil); err != nil || r.Status != want || r.Headers.Get("Age") != "" {
					t.Errorf("%s: %d %s, %v", path, r.Status, r.Body, err)
				}
			}
			if p, err := s.BFF.Load(t.Context(), ids[10]); err != nil || p.Estado != contracts.EstadoConfirmada {
				t.Errorf("read at first hand: %+v, %v", p, err)
			}
			key := client.WithIdempotencyKey("without the store " + u)
			r, err := s.BFF.Request(t.Context(), http.MethodPost, "/compras", requestedWithoutID(purchase), key)
			if err != nil || r.Status != http.StatusServiceUnavailable || r.Headers.Get("Retry-After") == "" {
				t.Errorf("with a key: %d %s, %v", r.Status, r.Body, err)
			}

			administer(t, s, c.mends)
			mended = true
			Until(t, "the store is there again", func(ctx context.Context) (bool, error) {
				r, err := s.BFF.Request(ctx, http.MethodPost, "/compras", requestedWithoutID(purchase), key)
				return err == nil && r.Status == http.StatusAccepted, fmt.Errorf("%d %s, %w", r.Status, r.Body, err)
			})
		})
	}
	noDeadLetters()
}

// administer executes a statement about database bff and ends the connections to it, so that new connections follow the statement.
func administer(t *testing.T, s *System, statement string) {
	t.Helper()
	ctx := context.Background() // a Cleanup also calls administer, when t.Context() has ended
	dsn, err := s.Local.Output(ctx, "dsn", "dapr")
	if err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	for _, one := range []string{statement, "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'bff' and pid <> pg_backend_pid()"} {
		if _, err := c.Exec(ctx, one); err != nil {
			t.Fatal(err)
		}
	}
}
