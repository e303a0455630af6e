// Package databasetest gives each test a PostgreSQL database of its own, so that what is tested is what runs: locks,
// constraints and races, not an imitation of them.
package databasetest

import (
	"context"
	"crypto/rand"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/internal/database"
)

// Variable names the environment variable with the address of a PostgreSQL superuser, a URL.
const Variable = "TEST_DSN"

// New makes a database with a random name, applies migrations to it (none when nil), and drops it when the test
// ends. Without Variable the test is skipped.
func New(t testing.TB, migrations fs.FS) *pgxpool.Pool {
	t.Helper()
	ctx := context.Background()
	server := address(t)
	name := "prueba_" + strings.ToLower(rand.Text()[:16])
	administer(t, server, "create database "+name)
	t.Cleanup(func() { administer(t, server, "drop database if exists "+name+" with (force)") })

	own := *server
	own.Path = "/" + name
	settings := own.Query()
	settings.Set(lockTimeout, "60s") // a test is about who wins, however long it takes on a busy machine
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

const lockTimeout = "lock_timeout"

// Impatient gives a pool on the database of pool that waits for a lock no longer than our programs do.
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

// Role sees to it that the role is there before a migration grants to it. A role belongs to the whole server: one that
// exists is left as it is, and it is never dropped.
func Role(t testing.TB, name string) {
	t.Helper()
	administer(t, address(t), `do $$ begin
		create role `+pgx.Identifier{name}.Sanitize()+`;
	exception when duplicate_object or unique_violation then null; end $$`)
}

// As gives a pool on the database of pool whose connections act with the rights of rol.
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

// Concurrently calls f n times, at most width at once, and waits for all: none begins before all could. f must not end the test.
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
		t.Skip("sin " + Variable + ": la dirección de un superusuario de PostgreSQL, postgres://usuario:clave@servidor:puerto/postgres")
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		t.Fatalf("%s debe ser una dirección postgres://usuario:clave@servidor:puerto/postgres", Variable)
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
