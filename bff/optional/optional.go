// Package optional reads parameters that a client may leave out.
package optional

// Or returns the value that p points to, or otherwise where p is nil.
func Or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
