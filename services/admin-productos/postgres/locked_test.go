package postgres_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/services/admin-productos/postgres"
)

// Another transaction holds the rows of three products. Of many commands for these products only the first ones wait: at most
// one for each product and handler. All of them get a transient error. Commands for other products go on. When the rows are
// free, every command is carried out.
func TestALockedProductHoldsNoHandler(t *testing.T) {
	const handlers, commands = 2, 60
	b := newBodega(t)
	b.pool = databasetest.Impatient(t, b.pool)
	b.Store = postgres.New(b.pool)
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `select from producto where id in ('1', '2', '3') for update`); err != nil {
		t.Fatal(err)
	}
	lines := func(ids ...string) (l []contracts.Linea) {
		for _, id := range ids {
			l = append(l, contracts.Linea{IDProducto: id, Cantidad: 1})
		}
		return l
	}
	held := [][]contracts.Linea{lines("1"), lines("2", "5"), lines("16", "3")}
	var waited, served atomic.Int32
	purchases := make([]string, commands)
	start := time.Now()
	databasetest.Concurrently(commands, handlers, func(i int) {
		purchases[i] = compra()
		if i%2 == 1 { // a command for 5 and 16; other commands want one of these together with a locked product
			r, err := b.ask(contracts.ReservarProducto, purchases[i], lines("5", "16"))
			switch {
			case errs.Of(err) == errs.Unavailable: // a command that waits for a locked product holds the row of 16
			case err != nil || r.Tipo != contracts.ProductosReservados:
				t.Errorf("other products: %+v, %v", r, err)
			default:
				served.Add(1)
			}
			return
		}
		_, err := b.ask(contracts.ReservarProducto, purchases[i], held[i/2%3])
		if errs.Of(err) != errs.Unavailable {
			t.Errorf("a locked product: %v", err)
		}
		var pg *pgconn.PgError
		if errors.As(err, &pg) {
			waited.Add(1)
		}
	})
	if n := waited.Load(); n > 3*handlers {
		t.Errorf("%d of %d commands waited", n, commands/2)
	}
	if served.Load() < commands/2-3*handlers {
		t.Errorf("%d of %d commands for other products were handled", served.Load(), commands/2)
	}
	t.Logf("%d commands in %s, %d waited", commands, time.Since(start), waited.Load())

	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < commands; i += 2 {
		for until := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) { // redelivers as the broker does
			r, err := b.ask(contracts.ReservarProducto, purchases[i], held[i/2%3])
			if err == nil && r.Tipo == contracts.ProductosReservados {
				break
			}
			if time.Now().After(until) {
				t.Fatalf("unlocked, and not reserved: %+v, %v", r, err)
			}
		}
	}
	for id, s := range b.balanceByProducto(t) {
		if s.Diff != 0 {
			t.Errorf("product %s: %+v", id, s)
		}
	}
}
