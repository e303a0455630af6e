package balancer

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fake is a replica that counts the requests that it gets.
type fake struct {
	*httptest.Server
	ready, cuts atomic.Bool
	got         atomic.Int64
}

func newFake(t *testing.T) *fake {
	f := &fake{}
	f.ready.Store(true)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			if !f.ready.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		f.got.Add(1)
		if f.cuts.Load() {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func post(t *testing.T, b *Balancer) int {
	t.Helper()
	r, err := http.Post(b.URL+"/compras", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	return r.StatusCode
}

func open(t *testing.T, replicas ...*fake) *Balancer {
	t.Helper()
	var addresses []string
	for _, f := range replicas {
		addresses = append(addresses, f.URL)
	}
	ctx, release := context.WithTimeout(t.Context(), 10*time.Second)
	defer release()
	b, err := Open(ctx, addresses...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	for b.Ready() < len(replicas) && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	return b
}

// The balancer sends a request that a replica never got to another replica. It never sends a request twice that a replica may have
// handled.
func TestNothingIsSentTwice(t *testing.T) {
	one, other := newFake(t), newFake(t)
	b := open(t, one, other)
	one.Close() // the replica refuses connections, and the balancer still believes that it is ready
	for range 4 {
		if status := post(t, b); status != http.StatusOK {
			t.Errorf("a closed replica: %d", status)
		}
	}
	other.cuts.Store(true)
	before := other.got.Load()
	if status := post(t, b); status != http.StatusBadGateway || other.got.Load() != before+1 || b.Failed() != 1 {
		t.Errorf("a replica that cuts the connection: %d, it got %d requests, %d failed", status, other.got.Load()-before, b.Failed())
	}
}

// A replica that is not ready gets no request.
func TestOneThatStopsGetsNothing(t *testing.T) {
	one, other := newFake(t), newFake(t)
	b := open(t, one, other)
	one.ready.Store(false)
	for b.Ready() > 1 {
		time.Sleep(time.Millisecond)
	}
	before := one.got.Load()
	for range 6 {
		post(t, b)
	}
	if one.got.Load() != before || other.got.Load() < 6 {
		t.Errorf("the replicas got %d and %d requests", one.got.Load()-before, other.got.Load())
	}
}
