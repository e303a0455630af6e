// Package failpoint lets a program die at a chosen instant, to see what becomes of its work: between a commit and the reply,
// between a publication and its acknowledgement. Only programs built with the tag `failpoints` have it in them; in all
// others Point is nothing.
//
// In those, FAILPOINTS_DIR names a folder. A point is armed by a file of its name (before-publish.ReservarProducto): the first
// program of the system that comes by takes the file away and ends at once, as by kill -9. So a point fires once for each
// time that it was armed, in whichever replica.
package failpoint

// The instants. What follows is the type of a message, a state or a workflow.
const (
	BeforePublish = "before-publish" // the change behind the message is committed, the message is not sent
	Published     = "published"      // the message is sent, what caused it is not acknowledged
	Handled       = "handled"        // a delivery was handled, and is not acknowledged
	Recorded      = "recorded"       // a state is recorded, the activity has not told the engine
	TurnGiven     = "turn-given"     // a lease is stamped, the workflow is not scheduled
)
