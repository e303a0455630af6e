package compras

import (
	"time"

	"entregas/contracts"
	"entregas/workflows/compra"
)

// Stalled is a purchase one of whose workflows shows no sign of life, and what has to be known to start that workflow again.
type Stalled struct {
	compra.Progress
	Tramite string // the kind of the workflow that stands still; empty for the saga's own
	Asked   bool   // an operator asked to replace the workflow, even if it has stood still only briefly
}

// Finding is something that the reconciler found about a purchase, and what it did about it. One is kept for each purchase, What and
// Estado.
type Finding struct {
	What   string // WorkflowStalled or WorkflowGivenUp
	Estado contracts.Estado
	Done   string // WorkflowReplaced or the state that the purchase was put in
}

// The words of a Finding, as they are stored.
const (
	WorkflowStalled  = "stalled workflow"
	WorkflowGivenUp  = "abandoned workflow"
	WorkflowReplaced = "replaced"
)

// Beat is how often a step that waits for a reply says that it is alive.
const Beat = 10 * time.Second
