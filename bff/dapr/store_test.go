package dapr_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	sdk "github.com/dapr/go-sdk/client"
	"github.com/jackc/pgx/v5"

	"entregas/bff/comprastest"
	"entregas/bff/dapr"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
)

func TestStoreInMemory(t *testing.T) {
	comprastest.CheckStore(t, &comprastest.Store{})
}

// TestDaprStore tests the state store as in production: its component, on a PostgreSQL of the test's own, behind a real sidecar.
func TestDaprStore(t *testing.T) {
	database := databasetest.New(t, nil)
	resources := t.TempDir()
	component := fmt.Sprintf(`apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: state-bff}
spec:
  type: state.postgresql
  version: v2
  metadata:
    - {name: connectionString, value: %q}
    - {name: cleanupInterval, value: 1s}
`, database.Config().ConnString())
	if err := os.WriteFile(filepath.Join(resources, "estado.yaml"), []byte(component), 0o600); err != nil {
		t.Fatal(err)
	}
	_, daprPort := sidecar(t, "bff-test", 0, resources)
	client, err := sdk.NewClientWithAddressContext(t.Context(), net.JoinHostPort("127.0.0.1", daprPort))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	store := dapr.Store{Sidecar: client}
	comprastest.CheckStore(t, store)

	t.Run("what has outlived its time is deleted", func(t *testing.T) {
		if err := store.Create(t.Context(), "test/brief", []byte("1"), time.Second); err != nil {
			t.Fatal(err)
		}
		rows := 1
		for limit := time.Now().Add(20 * time.Second); rows > 0 && time.Now().Before(limit); time.Sleep(100 * time.Millisecond) {
			if err := database.QueryRow(t.Context(), "select count(*) from state where key like '%test/brief'").Scan(&rows); err != nil {
				t.Fatal(err)
			}
		}
		if rows > 0 {
			t.Error("the row is still there")
		}
	})

	// The database refuses writes, as with a full disk. Reads still work. When there is room again, writes work without a
	// restart.
	t.Run("a database that takes no writes", func(t *testing.T) {
		name := database.Config().ConnConfig.Database
		admin, err := pgx.Connect(t.Context(), os.Getenv(databasetest.Variable))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = admin.Close(context.Background()) }()
		run := func(statement string) {
			t.Helper()
			for _, s := range []string{statement, "select pg_terminate_backend(pid) from pg_stat_activity where datname = '" + name + "'"} {
				if _, err := admin.Exec(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := store.Create(t.Context(), "test/before", []byte("1"), time.Minute); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			breaks, mends string
			reads         bool
		}{
			{"alter database " + name + " set default_transaction_read_only = on", "alter database " + name + " reset default_transaction_read_only", true},
			{"alter database " + name + " with allow_connections false", "alter database " + name + " with allow_connections true", false},
		} {
			run(c.breaks)
			if err := store.Create(t.Context(), "test/after", []byte("1"), time.Minute); errs.Of(err) != errs.Unavailable {
				t.Errorf("%s: %v", c.breaks, err)
			}
			if _, err := store.Load(t.Context(), "test/before"); (err == nil) != c.reads {
				t.Errorf("%s: %v", c.breaks, err)
			}
			run(c.mends)
			for limit := time.Now().Add(10 * time.Second); err == nil; {
				if again := store.Create(t.Context(), "test/"+c.mends, []byte("1"), time.Minute); again == nil {
					break
				} else if time.Now().After(limit) {
					err = again
				}
			}
			if err != nil {
				t.Errorf("after %s: %v", c.mends, err)
			}
		}
	})

	t.Run("without a database the error is Unavailable", func(t *testing.T) {
		if err := store.Create(t.Context(), "test/this", []byte("1"), time.Minute); err != nil {
			t.Fatal(err)
		}
		administrator, err := pgx.Connect(t.Context(), os.Getenv(databasetest.Variable))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = administrator.Close(context.Background()) }()
		if _, err := administrator.Exec(t.Context(), "drop database "+database.Config().ConnConfig.Database+" with (force)"); err != nil {
			t.Fatal(err)
		}
		// The first read too must fail where the connection broke.
		_, secondReadErr := store.Load(t.Context(), "test/this", "test/x")
		_, readErr := store.Load(t.Context(), "test/this")
		for what, err := range map[string]error{
			"Load": readErr, "Load two": secondReadErr, "Create": store.Create(t.Context(), "test/x", nil, time.Minute),
			"Replace": store.Replace(t.Context(), "test/x", "01938f5e-7c1a-7000-8000-000000000001", nil, time.Minute),
			"Delete":  store.Delete(t.Context(), "test/x", "01938f5e-7c1a-7000-8000-000000000001"),
		} {
			if errs.Of(err) != errs.Unavailable {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}
