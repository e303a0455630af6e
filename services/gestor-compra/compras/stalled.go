package compras

import (
	"time"

	"entregas/contracts"
	"entregas/workflows/compra"
)

// Stalled is a purchase with a workflow that shows no sign of life, and the data that a new workflow needs.
type Stalled struct {
	compra.Progress
	Tramite string // the kind of the tramite whose workflow stands still; empty for the saga
	Asked   bool   // an operator asked to replace the workflow
}

// Finding is a problem that the reconciler found with a purchase, and the remedy that it applied. The store keeps one Finding
// for each purchase, What and Estado.
type Finding struct {
	What   string // WorkflowStalled or WorkflowGivenUp
	Estado contracts.Estado
	Done   string // WorkflowReplaced, or the new state of the purchase
}

// The words of a Finding, as they are stored.
const (
	WorkflowStalled  = "stalled workflow"
	WorkflowGivenUp  = "abandoned workflow"
	WorkflowReplaced = "replaced"
)

// Beat is how often a step that waits for a reply records a sign of life.
const Beat = 10 * time.Second
