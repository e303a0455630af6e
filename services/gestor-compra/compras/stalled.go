package compras

import (
	"time"

	"entregas/workflows/compra"
)

// Stalled is a purchase one of whose workflows shows no sign of life, and what has to be known to start that workflow again.
type Stalled struct {
	compra.Progress
	Tramite string // the kind of the workflow that stands still; empty for the saga's own
	Asked   bool   // an operator asked to replace the workflow, even if it has stood still only briefly
}

// Beat is how often a step that waits for a reply says that it is alive.
const Beat = 10 * time.Second
