package main

import "fmt"

// A mode is the environment of the bff: production, or a developer's machine with an issuer that signs in anybody.
type mode string

const (
	production  mode = "production"
	development mode = "development"
)

// UnmarshalText refuses any other word, so that a misspelt mode is not silently production.
func (m *mode) UnmarshalText(text []byte) error {
	switch got := mode(text); got {
	case production, development:
		*m = got
		return nil
	default:
		return fmt.Errorf("MODE is %q; it may be %s or %s", got, production, development)
	}
}
