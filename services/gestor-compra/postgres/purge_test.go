package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/services/gestor-compra/postgrestest"
)

// Purge deletes what is past its retention, and nothing of a purchase that may still go on.
func TestPurge(t *testing.T) {
	a := postgrestest.New(t)
	var want []string
	for _, estado := range []contracts.Estado{
		contracts.EstadoDespachada, contracts.EstadoRechazada, contracts.EstadoCancelada,
		contracts.EstadoConfirmada, contracts.EstadoFallida, contracts.EstadoPorAprobar, contracts.EstadoCompensando,
	} {
		over := estado == contracts.EstadoDespachada || estado == contracts.EstadoRechazada || estado == contracts.EstadoCancelada
		for _, days := range []int{89, 91} {
			s := a.Compra(t, estado)
			a.Do(t, `insert into paso (id_compra, comando, preguntada_en) values ($1, 'ReservarProducto', now() - $2 * interval '1 day')`, s.ID, days)
			if !over || days < 90 {
				want = append(want, s.ID)
			}
		}
	}
	for _, days := range []int{36, 38} {
		a.Do(t, `insert into cancelacion_anticipada (id_compra, id_usuario, motivo, pedida_en) values ($1, 'ana', '', now() - $2 * interval '1 day')`, fmt.Sprint(days), days)
	}
	for _, days := range []int{89, 91} {
		a.Do(t, `insert into finding (id_compra, what, done, found_at) values ($1, 'x', 'y', now() - $2 * interval '1 day')`, fmt.Sprint(days), days)
	}
	entries := postgrestest.One[int](t, a, `select count(*)::int from historia`)
	if err := a.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if left := postgrestest.One[[]string](t, a, `select array_agg(id_compra order by id_compra) from paso`); !slices.Equal(left, want) {
		t.Errorf("%d commands are left, want %d", len(left), len(want))
	}
	for table, id := range map[string]string{"cancelacion_anticipada": "36", "finding": "89"} {
		if left := postgrestest.One[[]string](t, a, `select array_agg(id_compra) from `+table); !slices.Equal(left, []string{id}) {
			t.Errorf("of %s are left %v", table, left)
		}
	}
	if n := postgrestest.One[int](t, a, `select count(*)::int from historia`); n != entries {
		t.Errorf("of %d entries of histories %d are left", entries, n)
	}
}
