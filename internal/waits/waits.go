// Package waits has the times on which several packages, or a package and a file in components/, must agree.
// docs/adr/bounded-waits.md says why each wait has an end.
package waits

import "time"

const (
	// Invocation is how long the bff's sidecar waits for the answer of a service. components/resiliency.yaml has the same value.
	Invocation = time.Second
	// Lock is how long a statement waits for a lock in PostgreSQL. It is less than Invocation, so that the service itself can
	// answer "try again".
	Lock = Invocation / 2
	// Redelivery is the pause before the broker redelivers a message that was not acknowledged. The pubsub components in
	// components/ have the same value.
	Redelivery = time.Second
)
