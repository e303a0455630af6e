package compras

import (
	"time"

	"entregas/contracts"
)

// Accepted is what the anchor of a purchase is made of (docs/adr/one-trace-a-purchase.md).
type Accepted struct {
	ID, Codigo  string
	Traceparent string // of the request that the purchase came with
	At          time.Time
}

// Asked is what the anchor of a step is made of.
type Asked struct {
	ID      string
	Traza   string // the id of the trace of the purchase
	Command contracts.MessageType
	At      time.Time // when the command was first sent
}
