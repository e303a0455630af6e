// Package databasetest gives each test a PostgreSQL database of its own. The tests see the real locks, constraints and races,
// not an imitation of them.
package databasetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/internal/database"
)

// Variable names the environment variable with the address of a PostgreSQL superuser, a URL.
const Variable = "TEST_DSN"

// New creates a database with a random name, applies migrations to it (none when nil), and drops it when the test ends.
// Without Variable in the environment the test is skipped.
func New(t testing.TB, migrations fs.FS) *pgxpool.Pool {
	t.Helper()
	ctx := context.Background()
	server := address(t)
	name := "test_" + strings.ToLower(rand.Text()[:16])
	administer(t, server, "create database "+name)
	t.Cleanup(func() { administer(t, server, "drop database if exists "+name+" with (force)") })

	own := *server
	own.Path = "/" + name
	settings := own.Query()
	settings.Set(lockTimeout, "60s") // a busy machine must not change the result of a race
	own.RawQuery = settings.Encode()
	pool, err := database.Open(ctx, own.String(), 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if migrations != nil {
		if err := database.Migrate(ctx, pool, migrations); err != nil {
			t.Fatal(err)
		}
	}
	return pool
}

// RefusesOlder fails the test unless migrations fail on a database of an older checkout. That database has the table `table`, and
// its schema has the version `last`. The error must say what to do. Failure prevented: goose skips new migrations, because the
// older checkout had migrations with the same numbers.
func RefusesOlder(t testing.TB, migrations fs.FS, table string, last int) {
	t.Helper()
	older := fstest.MapFS{}
	for version := range last {
		text := "-- +goose Up\nselect 1;"
		if version == 0 {
			text = "-- +goose Up\ncreate table " + table + " ();"
		}
		older[fmt.Sprintf("migrations/%05d_older.sql", version+1)] = &fstest.MapFile{Data: []byte(text)}
	}
	pool := New(t, older)
	if err := database.Migrate(t.Context(), pool, migrations); err == nil || !strings.Contains(err.Error(), "make reset") {
		t.Errorf("a database of an older checkout: %v, want an error that tells to run make reset", err)
	}
}

const lockTimeout = "lock_timeout"

// Impatient returns a second pool on the database of pool. Its connections wait for a lock only as long as those of the
// programs.
func Impatient(t testing.TB, pool *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	u, err := url.Parse(pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	settings := u.Query()
	settings.Del(lockTimeout)
	u.RawQuery = settings.Encode()
	impatient, err := database.Open(context.Background(), u.String(), 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(impatient.Close)
	return impatient
}

// Role creates a role, unless it exists, so that a migration can grant rights to it. A role belongs to the whole server and is
// never dropped.
func Role(t testing.TB, name string) {
	t.Helper()
	administer(t, address(t), `do $$ begin
		create role `+pgx.Identifier{name}.Sanitize()+`;
	exception when duplicate_object or unique_violation then null; end $$`)
}

// As returns a second pool on the database of pool, whose connections have the rights of role.
func As(t testing.TB, pool *pgxpool.Pool, role string) *pgxpool.Pool {
	t.Helper()
	conf := pool.Config()
	conf.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "set role "+pgx.Identifier{role}.Sanitize())
		return err
	}
	as, err := pgxpool.NewWithConfig(context.Background(), conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(as.Close)
	return as
}

// Concurrently calls f n times, at most width at once, and waits for all calls. The first call begins only when every
// goroutine exists. f must not end the test.
func Concurrently(n, width int, f func(i int)) {
	begin, slots := make(chan struct{}), make(chan struct{}, width)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-begin
			slots <- struct{}{}
			defer func() { <-slots }()
			f(i)
		})
	}
	close(begin)
	group.Wait()
}

func address(t testing.TB) *url.URL {
	t.Helper()
	text := os.Getenv(Variable)
	if text == "" {
		t.Skip(Variable + " is not set: the address of a PostgreSQL superuser, postgres://user:password@host:port/postgres")
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		t.Fatalf("%s must be an address postgres://user:password@host:port/postgres", Variable)
	}
	return u
}

func administer(t testing.TB, server *url.URL, statement string) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, server.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}
