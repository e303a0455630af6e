package database_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entregas/internal/database"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
)

// Replicas that start together migrate one after the other. The second one finds nothing to apply.
func TestMigrateAtOnce(t *testing.T) {
	pool := databasetest.New(t, nil)
	migrations := fstest.MapFS{
		"migrations/00001_a.sql": {Data: []byte("-- +goose Up\ncreate table a ();")},
		"migrations/00002_b.sql": {Data: []byte("-- +goose Up\ncreate table b ();")},
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := database.Migrate(context.Background(), pool, migrations); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	var count int
	if err := pool.QueryRow(context.Background(), `select count(*) from pg_tables where tablename in ('a', 'b')`).Scan(&count); err != nil || count != 2 {
		t.Errorf("%d tables, %v", count, err)
	}
}

// A program with MIGRATIONS=wait goes on when the job has applied the migrations, and not sooner.
func TestWaitForTheMigrationJob(t *testing.T) {
	pool := databasetest.New(t, nil)
	migrations := fstest.MapFS{"migrations/00001_a.sql": {Data: []byte("-- +goose Up\ncreate table a ();")}}
	proceed, ready := false, make(chan error, 1)
	go func() {
		var err error
		proceed, err = database.WaitForJob.Apply(context.Background(), pool, migrations)
		ready <- err
	}()
	select {
	case err := <-ready:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	if proceed, err := database.ApplyAndExit.Apply(context.Background(), pool, migrations); proceed || err != nil {
		t.Errorf("apply-and-exit: proceed is %v, %v", proceed, err)
	}
	if err := <-ready; !proceed || err != nil {
		t.Errorf("wait: proceed is %v, %v", proceed, err)
	}
	if _, err := database.MigrationMode("otra").Apply(context.Background(), pool, migrations); err == nil {
		t.Error("an unknown mode is accepted")
	}
}

func TestOpen(t *testing.T) {
	if _, err := database.Open(context.Background(), "this is no address", 1); err == nil {
		t.Error("Open accepts what is no address")
	}
	pool, err := database.Open(context.Background(), "postgres://nadie@127.0.0.1:1/nada", 1)
	if err != nil {
		t.Fatal(err) // the program must also start while its database is down
	}
	defer pool.Close()
	if err := pool.Ping(context.Background()); errs.Of(err) != errs.Unavailable {
		t.Errorf("%v", err)
	}
}

// PostgreSQL ends each wait for another transaction. The error counts as transient: a message is redelivered, and a client is
// told to retry.
func TestAWaitIsBounded(t *testing.T) {
	pool := databasetest.Impatient(t, databasetest.New(t, nil))
	ctx := t.Context()
	if _, err := pool.Exec(ctx, `create table a (id int primary key); insert into a values (1), (2)`); err != nil {
		t.Fatal(err)
	}
	other, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := other.Exec(ctx, `select pg_advisory_xact_lock(7), id from a where id = 1 for update`); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ setting, statement, code string }{
		"a row":             {"", `update a set id = 3 where id = 1`, "55P03"},
		"an advisory lock":  {"", `select pg_advisory_xact_lock(7)`, "55P03"},
		"a table":           {"", `lock table a in access exclusive mode`, "55P03"},
		"a long statement":  {`set local statement_timeout = '10ms'`, `select pg_sleep(5)`, "57014"},
		"a frozen client":   {`set local idle_in_transaction_session_timeout = '10ms'`, `idle`, "25P03"},
		"an ended server":   {"", `select pg_terminate_backend(pg_backend_pid())`, "57P01"},
		"a row of nobody's": {"", `update a set id = 2 where id = 2`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := pool.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
			if _, err := tx.Exec(ctx, c.setting); err != nil {
				t.Fatal(err)
			}
			if c.statement == "idle" {
				_, err = tx.Conn().WaitForNotification(ctx) // no notification is sent: PostgreSQL ends the session
			} else {
				_, err = tx.Exec(ctx, c.statement)
			}
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || pg.Code != c.code {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			if errs.Of(err) != errs.Unavailable {
				t.Errorf("the code of %v is %s", err, errs.Of(err))
			}
		})
	}
}

// An address overrides only the limits that it names. A migration has no limit for a statement.
func TestTheAddressDecidesItsLimits(t *testing.T) {
	setting := func(q interface {
		QueryRow(context.Context, string, ...any) pgx.Row
	}, name string) (value string) {
		t.Helper()
		if err := q.QueryRow(t.Context(), `select current_setting($1)`, name).Scan(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	pool := databasetest.New(t, fstest.MapFS{
		"migrations/00001_a.sql": {Data: []byte("-- +goose Up\ncreate table seen as select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock;")},
	})
	var statement, lock string
	if err := pool.QueryRow(t.Context(), `select statement, lock from seen`).Scan(&statement, &lock); err != nil || statement != "0" || lock != "5s" {
		t.Errorf("a migration runs with %q and %q, %v", statement, lock, err)
	}
	if v := setting(pool, "statement_timeout"); v != "10s" {
		t.Errorf("statement_timeout is %s", v)
	}
	address := pool.Config().ConnConfig
	named := url.URL{
		Scheme: "postgres", User: url.UserPassword(address.User, address.Password), Path: address.Database,
		Host: net.JoinHostPort(address.Host, strconv.Itoa(int(address.Port))), RawQuery: "sslmode=disable&lock_timeout=2s",
	}
	own, err := database.Open(t.Context(), named.String(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if l, s := setting(own, "lock_timeout"), setting(own, "statement_timeout"); l != "2s" || s != "10s" {
		t.Errorf("lock_timeout %s, statement_timeout %s", l, s)
	}
}
