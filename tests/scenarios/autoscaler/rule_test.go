package autoscaler_test

import (
	"testing"
	"time"

	"entregas/tests/scenarios/autoscaler"
)

func TestRule(t *testing.T) {
	e, start := autoscaler.New(autoscaler.KedaRule), time.Unix(1000, 0)
	for _, c := range []struct {
		second   int
		pending  int64
		replicas int
		why      string
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
		if n := e.Replicas(c.pending, start.Add(time.Duration(c.second)*time.Second)); n != c.replicas {
			t.Errorf("%s: at %d s with %d pending it wants %d replicas, want %d", c.why, c.second, c.pending, n, c.replicas)
		}
	}
}
