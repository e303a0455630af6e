package actos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	dapr "github.com/dapr/go-sdk/client"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/errs"
)

// memory is a State in memory. Like the state store of Dapr it has one error for a lost race and for its own trouble.
type memory struct {
	mu      sync.Mutex
	values  map[string][]byte
	version map[string]int
	down    bool
}

var errState = errors.New("possible etag mismatch")

func (m *memory) GetState(_ context.Context, _, key string, _ map[string]string) (*dapr.StateItem, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return nil, errState
	}
	item := &dapr.StateItem{Key: key, Value: slices.Clone(m.values[key])}
	if m.version[key] > 0 {
		item.Etag = fmt.Sprint(m.version[key])
	}
	return item, nil
}

func (m *memory) SaveStateWithETag(_ context.Context, _, key string, data []byte, etag string, _ map[string]string, _ ...dapr.StateOption) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := ""
	if m.version[key] > 0 {
		now = fmt.Sprint(m.version[key])
	}
	if m.down || etag != now {
		return errState
	}
	m.values[key], m.version[key] = slices.Clone(data), m.version[key]+1
	return nil
}

func newLog() (*memory, *Log) {
	m := &memory{values: map[string][]byte{}, version: map[string]int{}}
	return m, NewLog(m)
}

func act(object string) contracts.Acto {
	return contracts.Acto{Tipo: contracts.ActoMensajeDevuelto, Objeto: object}
}

// Many operators at once lose no act, over several days and parts. The list has each once, newest first, page by page.
func TestNoActIsLost(t *testing.T) {
	m, l := newLog()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ctx := actor.With(t.Context(), contracts.Actor{Sujeto: "oti", Rol: contracts.RolOperador})
	var all sync.WaitGroup
	for day := range 3 {
		for n := range 5 {
			all.Go(func() {
				own := &Log{state: m, now: func() time.Time { return start.AddDate(0, 0, day).Add(time.Duration(n) * time.Minute) }}
				acts := make([]contracts.Acto, 90)
				for i := range acts {
					acts[i] = act(fmt.Sprint(day, "/", n, "/", i))
				}
				for {
					if _, _, err := own.Add(ctx, acts); err == nil {
						return
					} else if errs.Of(err) != errs.Unavailable {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
	}
	for key, text := range m.values {
		var list []json.RawMessage
		if err := json.Unmarshal(text, &list); err != nil || len(list) > maxPart {
			t.Errorf("%s has %d entries: %v", key, len(list), err)
		}
	}
	for _, c := range []struct {
		f    contracts.ActosFilter
		want int
	}{
		{contracts.ActosFilter{}, 3 * 5 * 90},
		{contracts.ActosFilter{Desde: start.AddDate(0, 0, 1)}, 2 * 5 * 90},
		{contracts.ActosFilter{Hasta: start.AddDate(0, 0, 1)}, 5 * 90},
		{contracts.ActosFilter{Desde: start.AddDate(0, 0, 1), Hasta: start.AddDate(0, 0, 1).Add(time.Minute)}, 90},
		{contracts.ActosFilter{ID: "1/2/3"}, 1},
		{contracts.ActosFilter{Sujeto: "eli"}, 0},
	} {
		var seen []contracts.Acto
		for after := (contracts.Cursor{}); ; {
			page, err := l.Actos(t.Context(), c.f, after, 70)
			if err != nil {
				t.Fatal(err)
			}
			if seen = append(seen, page...); len(page) < 70 {
				break
			}
			after = page[69].Cursor()
		}
		distinct := map[string]bool{}
		for _, a := range seen {
			distinct[a.ID] = true
		}
		if len(seen) != c.want || len(distinct) != c.want || !slices.IsSortedFunc(seen, contracts.CompareActos) {
			t.Errorf("%+v: %d acts, %d of them distinct, want %d", c.f, len(seen), len(distinct), c.want)
		}
	}
}

// An act that did not happen is removed, one that did gets what it was about, and the others stay.
func TestSettle(t *testing.T) {
	_, l := newLog()
	ctx := actor.With(t.Context(), contracts.Actor{Sujeto: "oti", Rol: contracts.RolOperador})
	if _, _, err := l.Add(ctx, []contracts.Acto{act("other")}); err != nil {
		t.Fatal(err)
	}
	part, added, err := l.Add(ctx, []contracts.Acto{act("done"), act("refused")})
	if err != nil {
		t.Fatal(err)
	}
	added[0].Detalle = "CrearOrden"
	if err := l.Settle(ctx, part, added, added[:1]); err != nil {
		t.Fatal(err)
	}
	list, err := l.Actos(ctx, contracts.ActosFilter{}, contracts.Cursor{}, 10)
	if err != nil || len(list) != 2 || list[0].Objeto != "done" || list[0].Detalle != "CrearOrden" || list[0].Sujeto != "oti" || list[1].Objeto != "other" {
		t.Errorf("%+v %v", list, err)
	}
}

// A store that does not answer is Unavailable, for a write and for the list.
func TestWithoutTheStore(t *testing.T) {
	m, l := newLog()
	m.down = true
	if _, _, err := l.Add(t.Context(), []contracts.Acto{act("x")}); errs.Of(err) != errs.Unavailable {
		t.Errorf("Add: %v", err)
	}
	if _, err := l.Actos(t.Context(), contracts.ActosFilter{}, contracts.Cursor{}, 1); errs.Of(err) != errs.Unavailable {
		t.Errorf("Actos: %v", err)
	}
}
