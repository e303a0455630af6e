package base_test

import (
	"context"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"entregas/services/internal/base"
	"entregas/services/internal/basetest"
	"entregas/services/internal/errores"
)

// Replicas that start together take turns, and the second finds all done.
func TestMigrarALaVez(t *testing.T) {
	pool := basetest.Nueva(t, nil)
	migraciones := fstest.MapFS{
		"migraciones/00001_a.sql": {Data: []byte("-- +goose Up\ncreate table a ();")},
		"migraciones/00002_b.sql": {Data: []byte("-- +goose Up\ncreate table b ();")},
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

// A program that waits for its database's schema goes on when the job before it is done, and not sooner.
func TestEsperarAlTrabajoQueMigra(t *testing.T) {
	pool := basetest.Nueva(t, nil)
	migraciones := fstest.MapFS{"migraciones/00001_a.sql": {Data: []byte("-- +goose Up\ncreate table a ();")}}
	sigue, listo := false, make(chan error, 1)
	go func() {
		var err error
		sigue, err = base.Esperar.Poner(context.Background(), pool, migraciones)
		listo <- err
	}()
	select {
	case err := <-listo:
		t.Fatalf("no esperó: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	if sigue, err := base.Solo.Poner(context.Background(), pool, migraciones); sigue || err != nil {
		t.Errorf("solo: sigue %v, %v", sigue, err)
	}
	if err := <-listo; !sigue || err != nil {
		t.Errorf("esperar: sigue %v, %v", sigue, err)
	}
	if _, err := base.Esquema("otra").Poner(context.Background(), pool, migraciones); err == nil {
		t.Error("un modo que no existe se acepta")
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
