package postgres_test

import (
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
)

// docs/adr/the-history-is-the-outbox.md: what is not marked as published comes again, oldest first and whole; what is marked
// does not.
func TestPorPublicar(t *testing.T) {
	a := postgrestest.Nuevo(t)
	var ids []string
	for i := range 4 {
		s := a.Compra(t, contracts.EstadoRecibida)
		if _, _, err := a.Mover(t.Context(), cambio(s.ID, contracts.EstadoIniciada, contracts.EstadoRecibida)); err != nil {
			t.Fatal(err)
		}
		a.Hacer(t, `update historia set en = now() - make_interval(mins => $2) where id_compra = $1`, s.ID, 3-i) // the last one just now
		ids = append(ids, s.ID)
	}
	marcar := func(p ...compras.Publicado) {
		t.Helper()
		if err := a.MarcarPublicadas(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	esperar := func(limite int, esperados ...string) {
		t.Helper()
		compras, err := a.PorPublicar(t.Context(), 30*time.Second, limite)
		if err != nil {
			t.Fatal(err)
		}
		var vistos []string
		for _, c := range compras {
			vistos = append(vistos, c.ID)
			if len(c.Historia) != 2 || c.Numero() != 2 {
				t.Errorf("%s viene con %+v", c.ID, c.Historia)
			}
		}
		slices.Sort(vistos)
		slices.Sort(esperados)
		if !slices.Equal(vistos, esperados) {
			t.Fatalf("por publicar %v, esperado %v", vistos, esperados)
		}
	}
	esperar(10, ids[0], ids[1], ids[2])
	esperar(2, ids[0]) // two entries, of the oldest
	marcar(compras.Publicado{IDCompra: ids[0], Hasta: 2}, compras.Publicado{IDCompra: ids[1], Hasta: 1})
	esperar(10, ids[1], ids[2]) // one entry of the second is missing still
	marcar(compras.Publicado{IDCompra: ids[1], Hasta: 9}, compras.Publicado{IDCompra: ids[2], Hasta: 0}, compras.Publicado{IDCompra: "nadie", Hasta: 5})
	marcar()
	esperar(10, ids[2])
	a.Hacer(t, `update historia set en = en - interval '1 minute'`)
	esperar(10, ids[2], ids[3])
}
