package escalador_test

import (
	"testing"
	"time"

	"entregas/tests/escenarios/escalador"
)

func TestRegla(t *testing.T) {
	e, inicio := escalador.Nuevo(escalador.DeKeda), time.Unix(1000, 0)
	for _, c := range []struct {
		segundo    int
		pendientes int64
		replicas   int
		porque     string
	}{
		{0, 0, 1, "nothing to do"},
		{3, 5, 1, "one can deal with five"},
		{6, 90, 3, "two more at once"},
		{9, 80, 3, "not yet again"},
		{21, 70, 5, "two more"},
		{40, 60, 5, "no more than the most"},
		{60, 4, 5, "one quiet look"},
		{70, 30, 5, "and it was right to wait"},
		{80, 3, 5, "quiet for a moment"},
		{101, 2, 4, "quiet for long enough"},
		{103, 0, 4, "one at a time"},
		{106, 0, 3, "the next"},
		{111, 0, 2, "the next"},
		{116, 0, 1, "back to one"},
		{200, 0, 1, "and not to none"},
	} {
		if n := e.Replicas(c.pendientes, inicio.Add(time.Duration(c.segundo)*time.Second)); n != c.replicas {
			t.Errorf("%s: a los %d s con %d pendientes quiere %d réplicas, se esperaban %d", c.porque, c.segundo, c.pendientes, n, c.replicas)
		}
	}
}
