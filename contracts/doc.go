// Package contracts holds what crosses a process boundary and is agreed by all who stand on either side:
// the Avro schemas (avro/*.avsc, one a topic), the Go types made from them, the topics' names,
// the states of a purchase, and what makes a purchase valid.
//
// A schema changes in one way only: a field appended at the very end of `data`, producers first.
// Anything else is a new topic. contract_test.go holds every schema against avro/published, the last released one.
package contracts

//go:generate go run ./internal/generate
//go:generate go run ./internal/topics
