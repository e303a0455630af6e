package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// Another transaction locks the rows of three products that many purchases want. Purchases of other products are confirmed meanwhile.
// The purchases of the three products are confirmed after the locks end.
func TestLockedRowsHoldNobodyElse(t *testing.T) {
	s := ForBreaking(t)
	s.Restock(t, map[string]int{"5": 100, "7": 100, "10": 100, "16": 100})
	conn, err := pgx.Connect(t.Context(), s.Env.ProductosDSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	locked := []string{"5", "7", "10"}
	if _, err := tx.Exec(t.Context(), `select from producto where id = any($1) for update`, locked); err != nil {
		t.Fatal(err)
	}
	u := Usuario(t)
	buy := func(n int, product func(i int) string) []string {
		return s.ComprarMany(t, n, 16, func(i int) contracts.SolicitudCompra {
			return contracts.SolicitudCompra{IDUsuario: fmt.Sprintf("%s-%d", u, i%7), Productos: []contracts.Linea{Linea(product(i), 1)}}
		})
	}
	held := buy(24, func(i int) string { return locked[i%3] })
	others := buy(12, func(int) string { return "16" })
	s.AllConfirmed(t, 15*time.Second, others)
	if n := Count(t, s.ManagerDatabase, `select count(*) from compra where id = any($1) and estado = 'CONFIRMADA'`, held); n > 0 {
		t.Errorf("%d purchases were confirmed with the row of their product locked", n)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.AllConfirmed(t, Deadline, held)
	s.Balanced(t, append(held, others...))
}
