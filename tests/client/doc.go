// Package cliente uses the system from outside, as a customer, an operator or a reader of the books would: the bff's REST
// and live streams, the services' REST, the databases by reading, and the broker. The demo, the load and the end-to-end
// tests stand on it; it knows nothing of the services' code.
package client
