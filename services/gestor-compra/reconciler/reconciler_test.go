package reconciler_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/reconciler"
	"entregas/workflows/compra"
)

// engine has one instance of a given age. It records the calls that it gets.
type engine struct {
	mu       sync.Mutex
	active   bool
	age      time.Duration
	away     error
	replaced []string
	inputs   []compra.Input
	removed  []string
}

func (e *engine) Age(context.Context, string) (time.Duration, bool, error) {
	return e.age, e.active, nil
}

func (e *engine) Replace(_ context.Context, name, id string, in compra.Input) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.away != nil {
		return e.away
	}
	e.replaced, e.inputs = append(e.replaced, name+" "+id), append(e.inputs, in)
	return nil
}

func (e *engine) Remove(_ context.Context, id string) error {
	e.removed = append(e.removed, id)
	return e.away
}

var settings = reconciler.Settings{Quiet: 90 * time.Second, Every: time.Hour, Limit: 3, Saga: compra.Settings{AprobacionThreshold: 100, AprobacionDeadline: 24 * time.Hour}}

func old(t *testing.T, a postgrestest.Store, id string) {
	t.Helper()
	a.Do(t, `update compra set actualizada_en = now() - interval '1 hour', replaced_at = null, leased_until = now(), creada_en = now() - interval '1 hour' where id = $1`, id)
}

// TestReplaces checks whether the reconciler replaces the workflow of a stalled purchase, by what the engine knows of that workflow.
func TestReplaces(t *testing.T) {
	for _, c := range []struct {
		name     string
		estado   contracts.Estado
		engine   *engine
		replaces bool
	}{
		{"its workflow stands still", contracts.EstadoProductosValidos, &engine{active: true, age: time.Hour}, true},
		{"its workflow is gone", contracts.EstadoProductosValidos, &engine{}, true},
		{"its workflow is young", contracts.EstadoProductosValidos, &engine{active: true, age: time.Second}, false},
		{"its workflow is of a clock that jumped", contracts.EstadoProductosValidos, &engine{active: true, age: -time.Hour}, true},
		{"its workflow has not begun", contracts.EstadoRecibida, &engine{active: true, age: time.Hour}, true},
		{"its workflow is not there yet", contracts.EstadoRecibida, &engine{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := postgrestest.New(t)
			s := a.Compra(t, c.estado)
			old(t, a, s.ID)
			r := reconciler.New(a, c.engine, settings)
			for range 2 { // the second call comes too early for another replacement
				if err := r.Once(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if n := len(c.engine.replaced); (n == 1) != c.replaces || n > 1 {
				t.Fatalf("replaced %v", c.engine.replaced)
			}
			if !c.replaces {
				return
			}
			if in := c.engine.inputs[0]; c.engine.replaced[0] != "Compra "+s.ID || in.Run == "" || in.Compra.ID != s.ID || in.Settings != settings.Saga {
				t.Errorf("%s with %+v", c.engine.replaced[0], in)
			}
			if n := postgrestest.One[int](t, a, `select count(*) from finding where id_compra = $1 and what = 'stalled workflow' and estado = $2 and done = 'replaced'`, s.ID, c.estado); n != 1 {
				t.Errorf("%d findings", n)
			}
		})
	}
}

// Failure prevented: the engine is down for an hour, the failed replacements are counted, and every purchase becomes FALLIDA.
func TestAnEngineThatDoesNotAnswerCountsAsNothing(t *testing.T) {
	a, e := postgrestest.New(t), &engine{active: true, age: time.Hour, away: errors.New("no answer")}
	s := a.Compra(t, contracts.EstadoProductosReservados)
	old(t, a, s.ID)
	r := reconciler.New(a, e, settings)
	for range 2 * settings.Limit {
		if err := r.Once(t.Context()); err == nil || !strings.Contains(err.Error(), s.ID) {
			t.Fatal(err)
		}
	}
	e.away = nil
	if err := r.Once(t.Context()); err != nil || len(e.replaced) != 1 || a.Estado(t, s.ID) != contracts.EstadoProductosReservados {
		t.Errorf("%v, replaced %v", err, e.replaced)
	}
}

// A purchase becomes FALLIDA when its workflow was replaced too often without progress. Its workflow is removed, so that it
// cannot change the purchase.
func TestGivesUp(t *testing.T) {
	a, e := postgrestest.New(t), &engine{active: true, age: time.Hour}
	s := a.Compra(t, contracts.EstadoProductosReservados)
	r := reconciler.New(a, e, settings)
	for range settings.Limit + 1 {
		old(t, a, s.ID)
		if err := r.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(e.replaced) != settings.Limit || len(e.removed) != 1 || a.Estado(t, s.ID) != contracts.EstadoFallida {
		t.Fatalf("replaced %v, removed %v, %s", e.replaced, e.removed, a.Estado(t, s.ID))
	}
	// An operator resumes the purchase: its rollback starts, and the count of replacements begins again.
	if _, err := a.Reintentar(t.Context(), s.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := r.Once(t.Context()); err != nil || len(e.replaced) != settings.Limit+1 || e.inputs[settings.Limit].Resumed == nil {
		t.Errorf("%v, replaced %v", err, e.replaced)
	}
}

// Check refuses a Quiet that is shorter than the time for which a living saga may show no sign of life.
func TestSettingsCheck(t *testing.T) {
	for quiet, ok := range map[time.Duration]bool{90 * time.Second: true, 50 * time.Second: true, 30 * time.Second: false, 0: false} {
		if err := (reconciler.Settings{Quiet: quiet}).Check(); (err == nil) != ok {
			t.Errorf("%s: %v", quiet, err)
		}
	}
}

// If Tell is called while the reconciler works, the reconciler runs once more afterwards. Tell does not block.
func TestTell(t *testing.T) {
	a, e := postgrestest.New(t), &engine{}
	r := reconciler.New(a, e, settings)
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { r.Run(ctx) })
	s := a.Compra(t, contracts.EstadoFallida)
	if _, err := a.Reintentar(t.Context(), s.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		r.Tell()
	}
	for {
		e.mu.Lock()
		n := len(e.replaced)
		e.mu.Unlock()
		if n == 1 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	stop()
	done.Wait()
}
