package postgres_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain lowers the number of tries for each property, because each try runs many slow transactions. The flag -rapid.checks on the
// command line overrides it.
func TestMain(m *testing.M) {
	_ = flag.Set("rapid.checks", "20") // rapid defines the flag; the command line is parsed later and wins
	flag.Parse()
	os.Exit(m.Run())
}
