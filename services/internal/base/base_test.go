package base_test

import (
	"context"
	"sync"
	"testing"
	"testing/fstest"

	"entregas/services/internal/base"
	"entregas/services/internal/basetest"
	"entregas/services/internal/errores"
)

// Replicas that start together take turns, and the second finds all done.
func TestMigrarALaVez(t *testing.T) {
	pool := basetest.Nueva(t, nil)
	migraciones := fstest.MapFS{
		"00001_a.sql": {Data: []byte("-- +goose Up\ncreate table a ();")},
		"00002_b.sql": {Data: []byte("-- +goose Up\ncreate table b ();")},
	}
	var grupo sync.WaitGroup
	for range 4 {
		grupo.Go(func() {
			if err := base.Migrar(context.Background(), pool, migraciones); err != nil {
				t.Error(err)
			}
		})
	}
	grupo.Wait()
	var hay int
	if err := pool.QueryRow(context.Background(), `select count(*) from pg_tables where tablename in ('a', 'b')`).Scan(&hay); err != nil || hay != 2 {
		t.Errorf("%d tablas, %v", hay, err)
	}
}

func TestAbrir(t *testing.T) {
	if _, err := base.Abrir(context.Background(), "esto no es una dirección", 1); err == nil {
		t.Error("abre cualquier cosa")
	}
	pool, err := base.Abrir(context.Background(), "postgres://nadie@127.0.0.1:1/nada", 1)
	if err != nil {
		t.Fatal(err) // a database that is down is no reason not to start
	}
	defer pool.Close()
	if err := pool.Ping(context.Background()); errores.De(err) != errores.NoDisponible {
		t.Errorf("%v", err)
	}
}
