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
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/internal/inbox"
)

const schema = `-- +goose Up
create table inbox (
	id_compra text not null, tipo text not null, fingerprint text not null, reply jsonb not null,
	received_at timestamptz not null default now(), primary key (id_compra, tipo));
create table attempt (record_id text primary key, tries int not null, last_at timestamptz not null default now());
create table cambio (id_compra text not null);`

func fresh(t *testing.T) *pgxpool.Pool {
	return databasetest.New(t, fstest.MapFS{"migrations/00001_prueba.sql": {Data: []byte(schema)}})
}

type data = contracts.DatosComandoProducto

func message(kind contracts.MessageType, id string, cantidad int) contracts.Message[data] {
	return contracts.NewMessage("test", kind, "", data{IDCompra: id, Productos: []contracts.Linea{{IDProducto: "1", Cantidad: cantidad}}})
}

// command returns a command as one more delivery brings it: the same data in a new envelope.
func command(t *testing.T, kind contracts.MessageType, id string, cantidad int) inbox.Command {
	t.Helper()
	c, err := inbox.FromMessage(message(kind, id, cantidad), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type reply = inbox.Reply[string]

// handle handles c: it inserts one row into cambio and stores a reply whose data is `said`.
func handle(pool *pgxpool.Pool, c inbox.Command, said string) (reply, error) {
	ctx := context.Background()
	return inbox.Handle(ctx, pool, c, func(tx pgx.Tx) (reply, error) {
		_, err := tx.Exec(ctx, `insert into cambio values ($1)`, c.IDCompra)
		return reply{Tipo: contracts.ProductosReservados, Data: said}, err
	})
}

func tell(t *testing.T, pool *pgxpool.Pool, query string) (n int) {
	t.Helper()
	if err := pool.QueryRow(context.Background(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const changes = `select count(*) from cambio`

func TestSameCommandAgain(t *testing.T) {
	pool := fresh(t)
	c := command(t, contracts.ReservarProducto, "a", 1)
	if saved, found, err := inbox.Saved[string](context.Background(), pool, c); found || err != nil {
		t.Fatalf("before: %v, %v", saved, err)
	}
	first, err := handle(pool, c, "primera")
	if err != nil || first.Data != "primera" {
		t.Fatalf("%v, %v", first, err)
	}
	other, err := handle(pool, command(t, contracts.ReservarProducto, "a", 1), "segunda")
	if err != nil || other != first {
		t.Errorf("the second time: %v, %v", other, err)
	}
	if n := tell(t, pool, changes); n != 1 {
		t.Errorf("%d cambios", n)
	}
	if saved, found, err := inbox.Saved[string](context.Background(), pool, c); err != nil || !found || saved != first {
		t.Errorf("the saved reply is %v, %v", saved, err)
	}
}

func TestSameCommandWithOtherContent(t *testing.T) {
	pool := fresh(t)
	if _, err := handle(pool, command(t, contracts.ReservarProducto, "a", 1), ""); err != nil {
		t.Fatal(err)
	}
	other := command(t, contracts.ReservarProducto, "a", 2)
	if _, err := handle(pool, other, ""); errs.Of(err) != errs.BadMessage {
		t.Errorf("Atender: %v", err)
	}
	if _, _, err := inbox.Saved[string](context.Background(), pool, other); errs.Of(err) != errs.BadMessage {
		t.Errorf("Guardada: %v", err)
	}
	if n := tell(t, pool, changes); n != 1 {
		t.Errorf("%d cambios", n)
	}
}

// A stored reply has the form that another implementation of the participant reads (docs/adr/stored-replies.md): each field of its record,
// and no null.
func TestStoredReplyIsTheMessage(t *testing.T) {
	pool, ctx := fresh(t), t.Context()
	type event = contracts.DatosEventoProductos
	c := command(t, contracts.ReservarProducto, "a", 1)
	_, err := inbox.Handle(ctx, pool, c, func(pgx.Tx) (inbox.Reply[event], error) {
		return inbox.Reply[event]{Tipo: contracts.ProductosReservados, Data: event{IDCompra: "a", RespondeA: string(c.Tipo)}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const form = `{"tipo": "ProductosReservados", "data": {"id_compra": "a", "responde_a": "ReservarProducto", "faltantes": [], "motivo": ""}}`
	if tell(t, pool, `select count(*) from inbox where reply = '`+form+`'`) != 1 {
		t.Error("the reply is not stored as " + form)
	}
}

// Failure prevented: the release before stored the fingerprint of a command whose address has an ampersand. After the upgrade the command comes
// again and is taken for another one.
func TestAReplyOfAnEarlierReleaseIsFound(t *testing.T) {
	pool := fresh(t)
	data := contracts.DatosComandoOrden{IDCompra: "a", IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}}, Direccion: contracts.Direccion{Calle: "5 & 6"}}
	c, err := inbox.FromMessage(contracts.NewMessage("test", contracts.CrearOrden, "", data), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handle(pool, c, "primera"); err != nil {
		t.Fatal(err)
	}
	const before = `update inbox set fingerprint = encode(sha256(convert_to('` +
		`{"direccion":{"calle":"5 \u0026 6"},"id_compra":"a","id_usuario":"ana","productos":[{"cantidad":1,"id_producto":"1"}]}', 'UTF8')), 'hex')`
	if _, err := pool.Exec(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	if r, err := handle(pool, c, "segunda"); err != nil || r.Data != "primera" {
		t.Errorf("%v, %v", r, err)
	}
}

func TestErrorLeavesNothing(t *testing.T) {
	pool, ctx := fresh(t), context.Background()
	c := command(t, contracts.ReservarProducto, "a", 1)
	failure := errors.New("falla")
	_, err := inbox.Handle(ctx, pool, c, func(tx pgx.Tx) (reply, error) {
		_, err := tx.Exec(ctx, `insert into cambio values ('a')`)
		return reply{}, errors.Join(err, failure)
	})
	if !errors.Is(err, failure) || tell(t, pool, changes) != 0 || tell(t, pool, `select count(*) from inbox`) != 0 {
		t.Fatalf("%v; something was stored", err)
	}
	if r, err := handle(pool, c, "now it works"); err != nil || r.Data != "now it works" {
		t.Errorf("%v, %v", r, err)
	}
}

// Two replicas handle copies of one command at once, and only one makes the change.
func TestConcurrentCopies(t *testing.T) {
	pool := fresh(t)
	var group sync.WaitGroup
	var stated sync.Map
	for i := range 40 {
		group.Go(func() {
			r, err := handle(pool, command(t, contracts.ReservarProducto, "a", 1), fmt.Sprint(i))
			if err != nil {
				t.Error(err)
			}
			stated.Store(r.Data, true)
		})
	}
	group.Wait()
	different := 0
	stated.Range(func(any, any) bool { different++; return true })
	if n := tell(t, pool, changes); n != 1 || different != 1 {
		t.Errorf("%d changes and %d different replies", n, different)
	}
}

// Commands of one purchase run one after the other, whatever their types. Commands of other purchases run meanwhile.
func TestOneCompraAtATime(t *testing.T) {
	pool, ctx := fresh(t), context.Background()
	var inside, maximum atomic.Int32
	var group sync.WaitGroup
	for i := range 10 {
		group.Go(func() {
			c := command(t, contracts.MessageType(fmt.Sprint("Tipo", i)), "a", 1)
			_, err := inbox.Handle(ctx, pool, c, func(pgx.Tx) (reply, error) {
				maximum.Store(max(maximum.Load(), inside.Add(1)))
				time.Sleep(5 * time.Millisecond)
				inside.Add(-1)
				return reply{}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if maximum.Load() != 1 {
		t.Errorf("%d commands of one purchase at once", maximum.Load())
	}
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := inbox.Lock(ctx, tx, "a"); err != nil {
			return err
		}
		if _, err := handle(pool, command(t, contracts.ReservarProducto, "b", 1), ""); err != nil {
			t.Errorf("another purchase: %v", err)
		}
		brief, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		_, err := inbox.Handle(brief, pool, command(t, contracts.ReservarProducto, "a", 1), func(pgx.Tx) (reply, error) {
			t.Error("it went on while the purchase was locked")
			return reply{}, nil
		})
		if errs.Of(err) != errs.Unavailable {
			t.Errorf("meanwhile: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestCommandOlderThanWhatIsRemembered(t *testing.T) {
	m := message(contracts.ReservarProducto, "a", 1)
	m.Time = time.Now().Add(-inbox.Retention + time.Minute).UnixMilli()
	if _, err := inbox.FromMessage(m, "a"); err != nil {
		t.Errorf("within the retention: %v", err)
	}
	m.Time = time.Now().Add(-inbox.Retention - time.Minute).UnixMilli()
	if _, err := inbox.FromMessage(m, "a"); errs.Of(err) != errs.BadMessage {
		t.Errorf("past the retention: %v", err)
	}
}

// Purge deletes only replies to commands that are so old that FromMessage refuses them.
func TestPurge(t *testing.T) {
	pool, ctx := fresh(t), context.Background()
	for days, id := range map[int]string{29: "a", 31: "b", 36: "c", 38: "d"} {
		if _, err := handle(pool, command(t, contracts.ReservarProducto, id, 1), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Exec(ctx, `update inbox set received_at = now() - $2::interval where id_compra = $1`, id, time.Duration(days)*24*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	attempts := inbox.NewAttempts(pool)
	for _, record := range []string{"viejo", "reciente"} {
		if _, err := attempts.Count(ctx, record); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(ctx, `update attempt set last_at = now() - interval '25 hours' where record_id = 'viejo'`); err != nil {
		t.Fatal(err)
	}
	if err := inbox.Purge(ctx, pool); err != nil {
		t.Fatal(err)
	}
	if tell(t, pool, `select count(*) from inbox`) != 3 || tell(t, pool, `select count(*) from inbox where id_compra = 'd'`) != 0 {
		t.Error("it did not delete that reply alone")
	}
	if tell(t, pool, `select count(*) from attempt`) != 1 || tell(t, pool, `select count(*) from attempt where record_id = 'viejo'`) != 0 {
		t.Error("it did not delete that count alone")
	}
}

func TestAttempts(t *testing.T) {
	pool, ctx := fresh(t), context.Background()
	attempts := inbox.NewAttempts(pool)
	var group sync.WaitGroup
	var greatest atomic.Int64
	for range 20 {
		group.Go(func() {
			n, err := attempts.Count(ctx, "tema/1")
			if err != nil {
				t.Error(err)
			}
			for m := greatest.Load(); int64(n) > m && !greatest.CompareAndSwap(m, int64(n)); m = greatest.Load() {
			}
		})
	}
	group.Wait()
	if greatest.Load() != 20 {
		t.Errorf("20 at once count as %d", greatest.Load())
	}
	if n, err := attempts.Count(ctx, "tema/2"); n != 1 || err != nil {
		t.Errorf("another record: %d, %v", n, err)
	}
}
