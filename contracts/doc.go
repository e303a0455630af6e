// Package contracts has the types that cross a process boundary: the Avro schemas (avro/*.avsc, one a topic) and the Go types generated
// from them, the topics and their messages, the states of a purchase, and the rules of a valid purchase.
//
// Only one change of a schema is allowed: a new field at the end of `data`, with producers rolled out before readers. Any other change is a
// new topic. contract_test.go compares every schema with the schema of the last release in avro/published.
package contracts

//go:generate go run ./internal/generate
//go:generate go run ./internal/topics
