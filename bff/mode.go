package main

import "fmt"

// A mode is where the bff runs: in production, or on a developer's machine with an issuer that believes everybody.
type mode string

const (
	production  mode = "production"
	development mode = "development"
)

// UnmarshalText refuses any other word. A misspelt mode would otherwise be production without a sign of it.
func (m *mode) UnmarshalText(text []byte) error {
	switch got := mode(text); got {
	case production, development:
		*m = got
		return nil
	default:
		return fmt.Errorf("MODE is %q; it may be %s or %s", got, production, development)
	}
}
