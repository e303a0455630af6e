//go:build !failpoints

package failpoint

// Active tells whether this program has failpoints in it.
const Active = false

// Point does nothing.
func Point(_, _ string) {}
