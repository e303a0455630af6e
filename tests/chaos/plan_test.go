package main

import (
	"slices"
	"testing"
)

// Failure prevented: a fault is renamed, and the short version goes without it; or two have one name and share a row.
func TestFaultsHaveNames(t *testing.T) {
	all := catalog()
	names := map[string]bool{}
	for _, f := range all {
		name := f.what + "/" + f.step
		if names[name] {
			t.Errorf("two faults are called %q", name)
		}
		names[name] = true
	}
	if n := len(shortOnes(all)); n != len(shortNames) {
		t.Errorf("the short version has %d faults of %d", n, len(shortNames))
	}
	some, err := chosen(all, "conexiones|SIGSTOP")
	if err != nil || len(some) == 0 || len(some) == len(all) {
		t.Errorf("%d of %d, %v", len(some), len(all), err)
	}
	if _, err := chosen(all, "no hay tal"); err == nil {
		t.Error("nothing is called like that")
	}
}

// The same seed gives the same faults in the same order, each once before any comes again.
func TestASeedIsAPlan(t *testing.T) {
	draw := func(seed uint64) (names []string) {
		p := newPlan(seed, catalog())
		for range catalog() {
			f := p.next()
			names = append(names, f.what+"/"+f.step)
		}
		return names
	}
	first := draw(7)
	if !slices.Equal(first, draw(7)) || slices.Equal(first, draw(8)) {
		t.Error("the plan does not follow from the seed")
	}
	slices.Sort(first)
	if len(slices.Compact(first)) != len(catalog()) {
		t.Error("one comes again before all have been")
	}
}
