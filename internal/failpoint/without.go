//go:build !failpoints

package failpoint

// Active tells whether this program was built with failpoints.
const Active = false

// Point does nothing.
func Point(_, _ string) {}
