// Package failpoint kills a program at a chosen instant of its work, so that a test can check the recovery: for example
// between a commit and the reply, or between a publication and its acknowledgement. Only programs built with the tag
// `failpoints` contain it; in all others Point does nothing.
//
// FAILPOINTS_DIR names a folder. A file in it, such as before-publish.ReservarProducto, arms the failpoint of that name. The
// first program that reaches the failpoint removes the file and ends at once, as after kill -9. So a failpoint fires once for
// each time that it was armed, in one replica.
//
// Why not a library: those that exist inject errors or panics inside one process, and cannot arm one failpoint for whichever
// replica comes first.
package failpoint

// The instants. The second part of the name of a failpoint is the type of a message, a state or the name of a workflow.
const (
	BeforePublish = "before-publish" // the change is committed, its message is not published
	Published     = "published"      // the message is published, its cause is not acknowledged
	Handled       = "handled"        // a delivery is handled and not acknowledged
	Recorded      = "recorded"       // a state is recorded, the activity has not returned to the engine
	TurnGiven     = "turn-given"     // a lease is stamped, the workflow is not scheduled
)
