package comprastest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"entregas/bff/compras"
)

// CheckStore checks that a does all that compras.Store promises, also for concurrent calls. It uses keys that no other test uses.
func CheckStore(t *testing.T, a compras.Store) {
	ctx := context.Background()
	fresh := func() string { return "test/" + uuid.NewString() }
	read := func(t *testing.T, key string) compras.Value {
		t.Helper()
		values, err := a.Load(ctx, key)
		if err != nil || len(values) != 1 {
			t.Fatalf("Load(%s): %v, %v", key, values, err)
		}
		return values[0]
	}
	expect := func(t *testing.T, what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Fatalf("%s: got %v, want %v", what, err, want)
		}
	}

	t.Run("a key that does not exist", func(t *testing.T) {
		key := fresh()
		if v := read(t, key); v.Version != "" {
			t.Errorf("Version %q", v.Version)
		}
		expect(t, "Replace", a.Replace(ctx, key, uuid.NewString(), []byte("x"), time.Minute), compras.ErrChanged)
		expect(t, "Delete", a.Delete(ctx, key, uuid.NewString()), compras.ErrChanged)
	})
	t.Run("create, replace and delete", func(t *testing.T) {
		key := fresh()
		expect(t, "Create", a.Create(ctx, key, []byte("uno"), time.Minute), nil)
		expect(t, "Create again", a.Create(ctx, key, []byte("dos"), time.Minute), compras.ErrChanged)
		first := read(t, key)
		expect(t, "Replace", a.Replace(ctx, key, first.Version, []byte("tres"), time.Minute), nil)
		expect(t, "Replace at an old version", a.Replace(ctx, key, first.Version, []byte("cuatro"), time.Minute), compras.ErrChanged)
		expect(t, "Delete at an old version", a.Delete(ctx, key, first.Version), compras.ErrChanged)
		second := read(t, key)
		if string(first.Text) != "uno" || string(second.Text) != "tres" || first.Version == second.Version {
			t.Errorf("first %s, second %s", first, second)
		}
		expect(t, "Delete", a.Delete(ctx, key, second.Version), nil)
		expect(t, "Create after Delete", a.Create(ctx, key, []byte("cinco"), time.Minute), nil)
	})
	t.Run("a key whose ttl ended may be created", func(t *testing.T) {
		key := fresh()
		expect(t, "Create", a.Create(ctx, key, []byte("uno"), time.Second), nil)
		time.Sleep(1200 * time.Millisecond)
		if v := read(t, key); v.Version != "" {
			t.Errorf("still there: %s", v)
		}
		expect(t, "Create", a.Create(ctx, key, []byte("dos"), time.Minute), nil)
	})
	t.Run("several keys at once, in their order", func(t *testing.T) {
		keys := []string{fresh(), fresh(), fresh()}
		expect(t, "Create", a.Create(ctx, keys[2], []byte("c"), time.Minute), nil)
		expect(t, "Create", a.Create(ctx, keys[0], []byte("a"), time.Minute), nil)
		values, err := a.Load(ctx, keys...)
		if err != nil || string(values[0].Text) != "a" || values[1].Version != "" || string(values[2].Text) != "c" {
			t.Errorf("%s, %v", values, err)
		}
	})
	t.Run("the first writer wins", func(t *testing.T) {
		for range 20 {
			key := fresh()
			if winners := atOnce(20, func(i int) error { return a.Create(ctx, key, []byte(strconv.Itoa(i)), time.Minute) }); winners != 1 {
				t.Fatalf("%d writers created it, want 1", winners)
			}
			version := read(t, key).Version
			if winners := atOnce(20, func(i int) error { return a.Replace(ctx, key, version, []byte(strconv.Itoa(i)), time.Minute) }); winners != 1 {
				t.Fatalf("%d writers replaced it, want 1", winners)
			}
		}
	})
}

// atOnce runs f n times concurrently, and returns the number of runs without an error.
func atOnce(n int, f func(i int) error) (good int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if f(i) == nil {
				mu.Lock()
				defer mu.Unlock()
				good++
			}
		})
	}
	all.Wait()
	return good
}
