package memory_test

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"testing"
	"time"

	"entregas/bff/memory"
	"entregas/internal/errs"
)

// One client holds a quarter at most, and all together hold all. Memory that is given back is free for others.
func TestRoom(t *testing.T) {
	p := memory.New(memory.Limits{Total: 400})
	a, b := p.Lease("a"), p.Lease("a")
	for _, c := range []struct {
		name  string
		lease *memory.Lease
		n     int64
		want  errs.Code
	}{
		{"a first", a, 60, ""},
		{"too much for one asker", b, 41, errs.TooMany},
		{"the rest of the quarter", b, 40, ""},
		{"another", p.Lease("b"), 100, ""},
		{"a third", p.Lease("c"), 100, ""},
		{"a fourth", p.Lease("d"), 100, ""},
		{"a fifth", p.Lease("e"), 1, errs.Busy},
		{"of nobody", nil, 1 << 40, ""},
	} {
		if err := c.lease.Take(c.n); code(err) != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	b.Release()
	b.Release() // holds nothing any more
	if err := p.Lease("e").Take(40); err != nil {
		t.Errorf("after a release: %v", err)
	}
	if err := b.Take(40); code(err) != errs.Busy {
		t.Errorf("what others took since: %v", err)
	}
}

// A request that begins waits a little for memory; one that holds some does not wait.
func TestReserveWaits(t *testing.T) {
	p := memory.New(memory.Limits{Total: 4, Waiting: time.Minute})
	var held []*memory.Lease
	for _, asker := range []string{"a", "b", "c", "d"} {
		l := p.Lease(asker)
		if err := l.Take(1); err != nil {
			t.Fatal(err)
		}
		held = append(held, l)
	}
	got := make(chan error)
	go func() { got <- p.Lease("e").Reserve(t.Context(), 1) }()
	held[0].Release()
	if err := <-got; err != nil {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Lease("f").Reserve(gone, 1); code(err) != errs.Busy {
		t.Errorf("a client that left: %v", err)
	}
}

// A request that waits for much memory does not block one that takes little.
func TestTakeDoesNotStandBehindReserve(t *testing.T) {
	p := memory.New(memory.Limits{Total: 400, Waiting: time.Minute})
	for _, asker := range []string{"a", "b", "c"} {
		if err := p.Lease(asker).Take(100); err != nil {
			t.Fatal(err)
		}
	}
	last := p.Lease("d")
	if err := last.Take(60); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting, got := make(chan struct{}), make(chan error)
	go func() {
		close(waiting)
		got <- p.Lease("e").Reserve(ctx, 100)
	}()
	<-waiting
	for range 1_000 { // both before and while the other request waits
		l := p.Lease("f")
		if err := l.Take(40); err != nil {
			t.Fatalf("there are 40 left: %v", err)
		}
		l.Release()
		runtime.Gosched()
	}
	cancel()
	if err := <-got; code(err) != errs.Busy {
		t.Error(err)
	}
}

// A lease that is closed charges nothing more.
func TestClosed(t *testing.T) {
	p := memory.New(memory.Limits{Total: 400})
	for range 100 {
		l := p.Lease("a")
		for _, do := range []func() error{
			func() error { return l.Take(50) }, func() error { l.Close(); return nil },
			func() error { return l.Take(50) }, func() error { return l.Reserve(t.Context(), 50) },
		} {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
		l.Close()
	}
}

// Uncharged reading bounds the length of an answer, and charges nothing.
func TestUncharged(t *testing.T) {
	l := memory.New(memory.Limits{Total: 400, Answer: 1_000}).Lease("a")
	ctx := memory.Uncharged(memory.With(t.Context(), l))
	if text, err := io.ReadAll(memory.Limited(ctx, bytes.NewReader(make([]byte, 1_000)), 2_000)); err != nil || len(text) != 1_000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if _, err := io.ReadAll(memory.Limited(ctx, bytes.NewReader(make([]byte, 1_001)), 2_000)); code(err) != errs.TooLarge {
		t.Error(err)
	}
	if err := l.Take(100); err != nil {
		t.Errorf("it was charged: %v", err)
	}
	if memory.Uncharged(t.Context()) != t.Context() {
		t.Error("outside of a request")
	}
}

// An answer of a service is charged while it is read. Reading ends where it is too long or there is no memory.
func TestLimited(t *testing.T) {
	source := func(n int) *bytes.Reader { return bytes.NewReader(make([]byte, n)) }
	for _, c := range []struct {
		name   string
		limits memory.Limits
		n      int
		want   errs.Code
	}{
		{"as long as it may be", memory.Limits{Total: 1 << 30, Answer: 100_000}, 100_000, ""},
		{"longer", memory.Limits{Total: 1 << 30, Answer: 100_000}, 100_001, errs.TooLarge},
		{"than there is room for", memory.Limits{Total: 1 << 20, Answer: 100_000}, 100_000, errs.TooMany},
		{"without bounds", memory.Limits{}, 100_000, ""},
		{"longer than the caller wants", memory.Limits{}, 200_001, errs.TooLarge},
	} {
		ctx := memory.With(t.Context(), memory.New(c.limits).Lease("a"))
		text, err := io.ReadAll(memory.Limited(ctx, source(c.n), 200_000))
		if code(err) != c.want || err == nil && len(text) != c.n {
			t.Errorf("%s: %d bytes, %v, want %q", c.name, len(text), err, c.want)
		}
	}
}

func code(err error) errs.Code {
	if err == nil {
		return ""
	}
	return errs.Of(err)
}
