package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Failures prevented: a fault gets a new name, and a run with -short leaves it out. Two faults have the same name and share one line
// of the matrix.
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
	some, err := chosen(all, "connections|SIGSTOP")
	if err != nil || len(some) == 0 || len(some) == len(all) {
		t.Errorf("%d of %d, %v", len(some), len(all), err)
	}
	if _, err := chosen(all, "no such fault"); err == nil {
		t.Error("nothing is called like that")
	}
}

// The same seed gives the same faults in the same order. Each fault occurs once before any fault occurs again.
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

// Failure prevented: an instant is renamed in the programs, and this program arms failpoints that no program has.
func TestFailpointsExist(t *testing.T) {
	file := filepath.Join("..", "..", "internal", "failpoint", "failpoint.go")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, instant := range []string{beforePublish, published, handled, recorded, turnGiven} {
		if !strings.Contains(string(text), `"`+instant+`"`) {
			t.Errorf("%s has no instant %q", file, instant)
		}
	}
}
