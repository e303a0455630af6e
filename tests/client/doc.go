// Package client uses the system from outside, as a customer, an operator or a reader of the books does. It speaks the REST
// interface and the live streams of the bff, the REST interfaces of the services, the protocol of the broker, and SQL for reading.
// It imports no code of the services. The demo, the load, the scenarios and the end-to-end tests use it.
package client
