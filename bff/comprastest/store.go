// Package comprastest has small real implementations of what the core stands on, for tests without I/O, and the suite
// that holds every Store to the same rules.
package comprastest

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"entregas/bff/compras"
)

// Store keeps values in memory. The zero value is ready.
type Store struct {
	mu      sync.Mutex
	values  map[string]saved
	counter int
	reads   int
	failure error
}

type saved struct {
	text    []byte
	version string
	until   time.Time
}

// Fail makes everything fail with err from now on; nil ends that.
func (a *Store) Fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failure = err
}

// Reads is how often it was read.
func (a *Store) Reads() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reads
}

// Keys lists the keys that begin with prefix.
func (a *Store) Keys(prefix string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var keys []string
	for key := range a.values {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Load implements compras.Store.
func (a *Store) Load(_ context.Context, keys ...string) ([]compras.Value, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reads++
	values := make([]compras.Value, len(keys))
	for i, key := range keys {
		g := a.current(key)
		values[i] = compras.Value{Text: g.text, Version: g.version}
	}
	return values, a.failure
}

// Create implements compras.Store.
func (a *Store) Create(_ context.Context, key string, text []byte, ttl time.Duration) error {
	return a.si(key, "", func() { a.put(key, text, ttl) })
}

// Replace implements compras.Store.
func (a *Store) Replace(_ context.Context, key, version string, text []byte, ttl time.Duration) error {
	return a.si(key, version, func() { a.put(key, text, ttl) })
}

// Delete implements compras.Store.
func (a *Store) Delete(_ context.Context, key, version string) error {
	return a.si(key, version, func() { delete(a.values, key) })
}

func (a *Store) si(key, version string, mutate func()) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failure != nil {
		return a.failure
	}
	if a.current(key).version != version {
		return compras.ErrChanged
	}
	mutate()
	return nil
}

func (a *Store) put(key string, text []byte, ttl time.Duration) {
	if a.values == nil {
		a.values = map[string]saved{}
	}
	a.counter++
	a.values[key] = saved{text: text, version: strconv.Itoa(a.counter), until: time.Now().Add(ttl)}
}

func (a *Store) current(key string) saved {
	if g := a.values[key]; time.Now().Before(g.until) {
		return g
	}
	return saved{}
}
