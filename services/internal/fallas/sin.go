//go:build !failpoints

package fallas

// Activas tells whether this program has failpoints in it.
const Activas = false

// Punto does nothing.
func Punto(_, _ string) {}
