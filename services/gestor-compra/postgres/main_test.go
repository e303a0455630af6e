package postgres_test

import (
	"flag"
	"os"
	"testing"
)

// Each try of a property here is many transactions that are waited for: fewer of them, unless told otherwise.
func TestMain(m *testing.M) {
	_ = flag.Set("rapid.checks", "20") // the flag is rapid's own; what the command line says comes after
	flag.Parse()
	os.Exit(m.Run())
}
