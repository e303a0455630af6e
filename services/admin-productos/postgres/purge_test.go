package postgres_test

import (
	"testing"

	"entregas/contracts"
)

// Purge deletes what is past its retention and keeps what is recent.
func TestPurge(t *testing.T) {
	b, recent, old := newBodega(t), compra(), compra()
	for _, c := range []string{recent, old} {
		b.require(t, contracts.ReservarProducto, c, twoLineas, contracts.ProductosReservados)
	}
	for _, statement := range []string{
		`update inbox set received_at = now() - interval '38 days' where id_compra = '` + old + `'`,
		`insert into importacion (idempotency_key, fingerprint, reply, sujeto, rol, en) select k, '', '{}', '', '', now() - d * interval '1 day' from (values ('recent', 36), ('old', 38)) i (k, d)`,
		`insert into finding (id_compra, what, done, found_at) select k, '', '', now() - d * interval '1 day' from (values ('recent', 89), ('old', 91)) f (k, d)`,
	} {
		if _, err := b.pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	movements := b.count(t, `select count(*) from movimiento`)
	if err := b.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.count(t, `select count(*) from inbox`) != 1 || b.count(t, `select count(*) from inbox where id_compra = '`+recent+`'`) != 1 {
		t.Error("it did not delete the old reply alone")
	}
	for _, q := range []string{`select count(*) from importacion where idempotency_key = `, `select count(*) from finding where id_compra = `} {
		if b.count(t, q+`'recent'`) != 1 || b.count(t, q+`'old'`) != 0 {
			t.Errorf("it did not delete the old row alone: %s", q)
		}
	}
	if b.count(t, `select count(*) from movimiento`) != movements {
		t.Error("it deleted a movement")
	}
}
