package postgres_test

import (
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
)

// docs/adr/the-history-is-the-outbox.md: a purchase with an entry that is not marked as published is returned again, oldest
// first and with its whole history.
func TestToBePublished(t *testing.T) {
	a := postgrestest.New(t)
	var ids []string
	for i := range 4 {
		s := a.Compra(t, contracts.EstadoRecibida)
		if _, _, err := a.Move(t.Context(), change(s.ID, contracts.EstadoIniciada, contracts.EstadoRecibida)); err != nil {
			t.Fatal(err)
		}
		a.Do(t, `update historia set en = now() - make_interval(mins => $2) where id_compra = $1`, s.ID, 3-i) // the last purchase is the youngest
		ids = append(ids, s.ID)
	}
	setMark := func(p ...compras.Published) {
		t.Helper()
		if _, err := a.MarkPublished(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(limit int, expected ...string) {
		t.Helper()
		compras, err := a.Unpublished(t.Context(), 30*time.Second, limit)
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		for _, c := range compras {
			seen = append(seen, c.ID)
			if len(c.Historia) != 2 || c.Numero() != 2 {
				t.Errorf("%s has %+v", c.ID, c.Historia)
			}
		}
		slices.Sort(seen)
		slices.Sort(expected)
		if !slices.Equal(seen, expected) {
			t.Fatalf("to publish %v, want %v", seen, expected)
		}
	}
	expect(10, ids[0], ids[1], ids[2])
	expect(2, ids[0]) // the oldest purchase has two entries
	setMark(compras.Published{IDCompra: ids[0], Until: 2}, compras.Published{IDCompra: ids[1], Until: 1})
	expect(10, ids[1], ids[2]) // one entry of the second purchase is not marked yet
	setMark(compras.Published{IDCompra: ids[1], Until: 9}, compras.Published{IDCompra: ids[2], Until: 0}, compras.Published{IDCompra: "nadie", Until: 5})
	setMark()
	expect(10, ids[2])
	a.Do(t, `update historia set en = en - interval '1 minute'`)
	expect(10, ids[2], ids[3])
}
