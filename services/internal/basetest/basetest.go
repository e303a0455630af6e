// Package basetest gives each test a PostgreSQL database of its own, so that what is tested is what runs: locks,
// constraints and races, not an imitation of them.
package basetest

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

	"entregas/services/internal/base"
)

// Variable names the environment variable with the address of a PostgreSQL superuser, a URL.
const Variable = "TEST_DSN"

// Nueva makes a database with a random name, applies migraciones to it (none when nil), and drops it when the test
// ends. Without Variable the test is skipped.
func Nueva(t testing.TB, migraciones fs.FS) *pgxpool.Pool {
	t.Helper()
	ctx := context.Background()
	servidor := direccion(t)
	nombre := "prueba_" + strings.ToLower(rand.Text()[:16])
	administrar(t, servidor, "create database "+nombre)
	t.Cleanup(func() { administrar(t, servidor, "drop database if exists "+nombre+" with (force)") })

	propia := *servidor
	propia.Path = "/" + nombre
	ajustes := propia.Query()
	ajustes.Set(lockTimeout, "60s") // a test is about who wins, however long it takes on a busy machine
	propia.RawQuery = ajustes.Encode()
	pool, err := base.Abrir(ctx, propia.String(), 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if migraciones != nil {
		if err := base.Migrar(ctx, pool, migraciones); err != nil {
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
	ajustes := u.Query()
	ajustes.Del(lockTimeout)
	u.RawQuery = ajustes.Encode()
	impatient, err := base.Abrir(context.Background(), u.String(), 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(impatient.Close)
	return impatient
}

// Rol sees to it that the role is there before a migration grants to it. A role belongs to the whole server: one that
// exists is left as it is, and it is never dropped.
func Rol(t testing.TB, nombre string) {
	t.Helper()
	administrar(t, direccion(t), `do $$ begin
		create role `+pgx.Identifier{nombre}.Sanitize()+`;
	exception when duplicate_object or unique_violation then null; end $$`)
}

// Como gives a pool on the database of pool whose connections act with the rights of rol.
func Como(t testing.TB, pool *pgxpool.Pool, rol string) *pgxpool.Pool {
	t.Helper()
	conf := pool.Config()
	conf.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "set role "+pgx.Identifier{rol}.Sanitize())
		return err
	}
	como, err := pgxpool.NewWithConfig(context.Background(), conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(como.Close)
	return como
}

// ALaVez calls f n times, at most ancho at once, and waits for all: none begins before all could. f must not end the test.
func ALaVez(n, ancho int, f func(i int)) {
	salida, sitios := make(chan struct{}), make(chan struct{}, ancho)
	var grupo sync.WaitGroup
	for i := range n {
		grupo.Go(func() {
			<-salida
			sitios <- struct{}{}
			defer func() { <-sitios }()
			f(i)
		})
	}
	close(salida)
	grupo.Wait()
}

func direccion(t testing.TB) *url.URL {
	t.Helper()
	texto := os.Getenv(Variable)
	if texto == "" {
		t.Skip("sin " + Variable + ": la dirección de un superusuario de PostgreSQL, postgres://usuario:clave@servidor:puerto/postgres")
	}
	u, err := url.Parse(texto)
	if err != nil || u.Host == "" {
		t.Fatalf("%s debe ser una dirección postgres://usuario:clave@servidor:puerto/postgres", Variable)
	}
	return u
}

func administrar(t testing.TB, servidor *url.URL, sentencia string) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, servidor.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, sentencia); err != nil {
		t.Fatal(err)
	}
}
