// Package failpoint kills a program at a chosen instant of its work, so that a test can check the recovery: for example
// between a commit and the reply, or between a publication and its acknowledgement. Only programs built with the tag
// `failpoints` contain it; in all other programs Point does nothing.
//
// FAILPOINTS_DIR names a folder. A file in it, such as before-publish.ReservarProducto, arms the failpoint of that name. The
// first program that reaches the failpoint removes the file and ends at once, as after kill -9. So a failpoint fires once for
// each time that it was armed, in one replica.
//
// Why not a library: the known libraries inject errors or panics inside one process. They cannot arm one failpoint for the
// first of several replicas that reaches it.
package failpoint

// The instants: the first part of the name of a failpoint. The second part is the type of a message, a state or the name of a
// workflow.
const (
	BeforePublish = "before-publish" // the change is committed, its message is not published
	Published     = "published"      // the message is published, the message that caused it is not acknowledged
	Handled       = "handled"        // a delivery is handled and not acknowledged
	Recorded      = "recorded"       // a state is recorded, the activity has not returned to the engine
	TurnGiven     = "turn-given"     // a lease is stamped, the workflow is not scheduled
)
