// Package waits has the times about which more than one package, or a package and a file of components/, must agree.
// docs/adr/bounded-waits.md says why each wait has an end.
package waits

import "time"

const (
	// Invocation is how long the bff's sidecar waits for the answer of a service. components/resiliency.yaml has the same.
	Invocation = time.Second
	// Lock is how long a statement waits for a lock in PostgreSQL: less than Invocation, so that the service itself answers "try
	// again", and a command gives its handler back.
	Lock = Invocation / 2
	// Redelivery is how long the broker waits before it delivers a message again that a handler gave back. The pubsub components in
	// components/ have the same.
	Redelivery = time.Second
)
