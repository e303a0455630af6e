// Package optional reads the values that a client may leave out.
package optional

// Or returns the value that p points at, or otherwise where p is nil: the client left it out.
func Or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
