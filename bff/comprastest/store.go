// Package comprastest has small implementations of the interfaces of package compras, for tests without I/O, and the suite that
// every compras.Store must pass.
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

// Fail makes every further call fail with err; nil ends that.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

// Reads returns how often Load was called.
func (s *Store) Reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// Keys returns the keys that begin with prefix.
func (s *Store) Keys(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for key := range s.values {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Load implements compras.Store.
func (s *Store) Load(_ context.Context, keys ...string) ([]compras.Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	values := make([]compras.Value, len(keys))
	for i, key := range keys {
		v := s.current(key)
		values[i] = compras.Value{Text: v.text, Version: v.version}
	}
	return values, s.failure
}

// Create implements compras.Store.
func (s *Store) Create(_ context.Context, key string, text []byte, ttl time.Duration) error {
	return s.changeAt(key, "", func() { s.put(key, text, ttl) })
}

// Replace implements compras.Store.
func (s *Store) Replace(_ context.Context, key, version string, text []byte, ttl time.Duration) error {
	return s.changeAt(key, version, func() { s.put(key, text, ttl) })
}

// Delete implements compras.Store.
func (s *Store) Delete(_ context.Context, key, version string) error {
	return s.changeAt(key, version, func() { delete(s.values, key) })
}

// changeAt calls mutate where key is at version, "" for a key that does not exist.
func (s *Store) changeAt(key, version string, mutate func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return s.failure
	}
	if s.current(key).version != version {
		return compras.ErrChanged
	}
	mutate()
	return nil
}

func (s *Store) put(key string, text []byte, ttl time.Duration) {
	if s.values == nil {
		s.values = map[string]saved{}
	}
	s.counter++
	s.values[key] = saved{text: text, version: strconv.Itoa(s.counter), until: time.Now().Add(ttl)}
}

func (s *Store) current(key string) saved {
	if v := s.values[key]; time.Now().Before(v.until) {
		return v
	}
	return saved{}
}
