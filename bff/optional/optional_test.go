package optional_test

import (
	"testing"

	"entregas/bff/optional"
)

// A value that the client gave counts, even the zero value of its type.
func TestOr(t *testing.T) {
	zero := 0
	if got := optional.Or(&zero, 50); got != 0 {
		t.Errorf("a given 0 is read as %d", got)
	}
	if got := optional.Or(nil, 50); got != 50 {
		t.Errorf("what is left out is read as %d", got)
	}
}
