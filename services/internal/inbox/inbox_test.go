package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/services/internal/basetest"
	"entregas/services/internal/errores"
	"entregas/services/internal/inbox"
)

const esquema = `-- +goose Up
create table inbox (
	id_compra text not null, tipo text not null, huella text not null, respuesta jsonb not null,
	recibido_en timestamptz not null default now(), primary key (id_compra, tipo));
create table intento (registro text primary key, veces int not null, ultimo timestamptz not null default now());
create table cambio (id_compra text not null);`

func nueva(t *testing.T) *pgxpool.Pool {
	return basetest.Nueva(t, fstest.MapFS{"migraciones/00001_prueba.sql": {Data: []byte(esquema)}})
}

type datos = contracts.DatosComandoProducto

func mensaje(tipo contracts.Tipo, id string, cantidad int) contracts.Mensaje[datos] {
	return contracts.NuevoMensaje("prueba", tipo, "", datos{IDCompra: id, Productos: []contracts.Linea{{IDProducto: "1", Cantidad: cantidad}}})
}

// comando is a delivery of a command: each has an envelope of its own around the same data.
func comando(t *testing.T, tipo contracts.Tipo, id string, cantidad int) inbox.Comando {
	t.Helper()
	c, err := inbox.DeMensaje(mensaje(tipo, id, cantidad), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type respuesta = inbox.Respuesta[string]

// atender makes one change for c and answers with dicho.
func atender(pool *pgxpool.Pool, c inbox.Comando, dicho string) (respuesta, error) {
	ctx := context.Background()
	return inbox.Atender(ctx, pool, c, func(tx pgx.Tx) (respuesta, error) {
		_, err := tx.Exec(ctx, `insert into cambio values ($1)`, c.IDCompra)
		return respuesta{Tipo: contracts.ProductosReservados, Data: dicho}, err
	})
}

func contar(t *testing.T, pool *pgxpool.Pool, consulta string) (n int) {
	t.Helper()
	if err := pool.QueryRow(context.Background(), consulta).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const cambios = `select count(*) from cambio`

func TestElMismoComandoOtraVez(t *testing.T) {
	pool := nueva(t)
	c := comando(t, contracts.ReservarProducto, "a", 1)
	if guardada, hay, err := inbox.Guardada[string](context.Background(), pool, c); hay || err != nil {
		t.Fatalf("antes: %v, %v", guardada, err)
	}
	primera, err := atender(pool, c, "primera")
	if err != nil || primera.Data != "primera" {
		t.Fatalf("%v, %v", primera, err)
	}
	otra, err := atender(pool, comando(t, contracts.ReservarProducto, "a", 1), "segunda")
	if err != nil || otra != primera {
		t.Errorf("la segunda vez: %v, %v", otra, err)
	}
	if n := contar(t, pool, cambios); n != 1 {
		t.Errorf("%d cambios", n)
	}
	if guardada, hay, err := inbox.Guardada[string](context.Background(), pool, c); err != nil || !hay || guardada != primera {
		t.Errorf("guardada: %v, %v", guardada, err)
	}
}

func TestElMismoComandoConOtroContenido(t *testing.T) {
	pool := nueva(t)
	if _, err := atender(pool, comando(t, contracts.ReservarProducto, "a", 1), ""); err != nil {
		t.Fatal(err)
	}
	otro := comando(t, contracts.ReservarProducto, "a", 2)
	if _, err := atender(pool, otro, ""); errores.De(err) != errores.MensajeMalo {
		t.Errorf("Atender: %v", err)
	}
	if _, _, err := inbox.Guardada[string](context.Background(), pool, otro); errores.De(err) != errores.MensajeMalo {
		t.Errorf("Guardada: %v", err)
	}
	if n := contar(t, pool, cambios); n != 1 {
		t.Errorf("%d cambios", n)
	}
}

func TestUnErrorNoDejaNada(t *testing.T) {
	pool, ctx := nueva(t), context.Background()
	c := comando(t, contracts.ReservarProducto, "a", 1)
	falla := errors.New("falla")
	_, err := inbox.Atender(ctx, pool, c, func(tx pgx.Tx) (respuesta, error) {
		_, err := tx.Exec(ctx, `insert into cambio values ('a')`)
		return respuesta{}, errors.Join(err, falla)
	})
	if !errors.Is(err, falla) || contar(t, pool, cambios) != 0 || contar(t, pool, `select count(*) from inbox`) != 0 {
		t.Fatalf("%v; algo quedó", err)
	}
	if r, err := atender(pool, c, "ahora sí"); err != nil || r.Data != "ahora sí" {
		t.Errorf("%v, %v", r, err)
	}
}

// Two replicas get copies of one command at once.
func TestCopiasALaVez(t *testing.T) {
	pool := nueva(t)
	var grupo sync.WaitGroup
	var dichas sync.Map
	for i := range 40 {
		grupo.Go(func() {
			r, err := atender(pool, comando(t, contracts.ReservarProducto, "a", 1), fmt.Sprint(i))
			if err != nil {
				t.Error(err)
			}
			dichas.Store(r.Data, true)
		})
	}
	grupo.Wait()
	distintas := 0
	dichas.Range(func(any, any) bool { distintas++; return true })
	if n := contar(t, pool, cambios); n != 1 || distintas != 1 {
		t.Errorf("%d cambios y %d respuestas distintas", n, distintas)
	}
}

// Commands of one purchase are serial, whatever their types; those of others go on meanwhile.
func TestUnaCompraALaVez(t *testing.T) {
	pool, ctx := nueva(t), context.Background()
	var dentro, maximo atomic.Int32
	var grupo sync.WaitGroup
	for i := range 10 {
		grupo.Go(func() {
			c := comando(t, contracts.Tipo(fmt.Sprint("Tipo", i)), "a", 1)
			_, err := inbox.Atender(ctx, pool, c, func(pgx.Tx) (respuesta, error) {
				maximo.Store(max(maximo.Load(), dentro.Add(1)))
				time.Sleep(5 * time.Millisecond)
				dentro.Add(-1)
				return respuesta{}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	grupo.Wait()
	if maximo.Load() != 1 {
		t.Errorf("%d comandos de una compra a la vez", maximo.Load())
	}
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := inbox.Bloquear(ctx, tx, "a"); err != nil {
			return err
		}
		if _, err := atender(pool, comando(t, contracts.ReservarProducto, "b", 1), ""); err != nil {
			t.Errorf("otra compra: %v", err)
		}
		breve, soltar := context.WithTimeout(ctx, 100*time.Millisecond)
		defer soltar()
		_, err := inbox.Atender(breve, pool, comando(t, contracts.ReservarProducto, "a", 1), func(pgx.Tx) (respuesta, error) {
			t.Error("entró mientras la compra estaba bloqueada")
			return respuesta{}, nil
		})
		if errores.De(err) != errores.NoDisponible {
			t.Errorf("mientras tanto: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUnComandoMasViejoQueLoQueSeRecuerda(t *testing.T) {
	m := mensaje(contracts.ReservarProducto, "a", 1)
	m.Time = time.Now().Add(-inbox.Retencion + time.Minute).UnixMilli()
	if _, err := inbox.DeMensaje(m, "a"); err != nil {
		t.Errorf("dentro del plazo: %v", err)
	}
	m.Time = time.Now().Add(-inbox.Retencion - time.Minute).UnixMilli()
	if _, err := inbox.DeMensaje(m, "a"); errores.De(err) != errores.MensajeMalo {
		t.Errorf("fuera del plazo: %v", err)
	}
}

// What is forgotten is older than any command that is still taken.
func TestPurgar(t *testing.T) {
	pool, ctx := nueva(t), context.Background()
	for dias, id := range map[int]string{29: "a", 31: "b", 36: "c", 38: "d"} {
		if _, err := atender(pool, comando(t, contracts.ReservarProducto, id, 1), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Exec(ctx, `update inbox set recibido_en = now() - $2::interval where id_compra = $1`, id, time.Duration(dias)*24*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	intentos := inbox.NuevosIntentos(pool)
	for _, registro := range []string{"viejo", "reciente"} {
		if _, err := intentos.Contar(ctx, registro); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(ctx, `update intento set ultimo = now() - interval '25 hours' where registro = 'viejo'`); err != nil {
		t.Fatal(err)
	}
	if err := inbox.Purgar(ctx, pool); err != nil {
		t.Fatal(err)
	}
	if contar(t, pool, `select count(*) from inbox`) != 3 || contar(t, pool, `select count(*) from inbox where id_compra = 'd'`) != 0 {
		t.Error("no borró esa respuesta sola")
	}
	if contar(t, pool, `select count(*) from intento`) != 1 || contar(t, pool, `select count(*) from intento where registro = 'viejo'`) != 0 {
		t.Error("no borró esa cuenta sola")
	}
}

func TestIntentos(t *testing.T) {
	pool, ctx := nueva(t), context.Background()
	intentos := inbox.NuevosIntentos(pool)
	var grupo sync.WaitGroup
	var mayor atomic.Int64
	for range 20 {
		grupo.Go(func() {
			n, err := intentos.Contar(ctx, "tema/1")
			if err != nil {
				t.Error(err)
			}
			for m := mayor.Load(); int64(n) > m && !mayor.CompareAndSwap(m, int64(n)); m = mayor.Load() {
			}
		})
	}
	grupo.Wait()
	if mayor.Load() != 20 {
		t.Errorf("20 a la vez se cuentan como %d", mayor.Load())
	}
	if n, err := intentos.Contar(ctx, "tema/2"); n != 1 || err != nil {
		t.Errorf("otro registro: %d, %v", n, err)
	}
}
