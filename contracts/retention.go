package contracts

import "time"

const (
	// Retention is the age from which a command is refused, and from which what was not finished is forgotten: a workflow without its
	// reminders, a mail. A reply to a command is kept a little longer. Nothing that waits may get as old.
	Retention = 30 * 24 * time.Hour
	// LongestWait is the most that a duration of the settings may be; the pauses of a list count together. It is far below Retention, so
	// what waits is remembered until its wait ends. A program with a longer one does not start.
	LongestWait = 7 * 24 * time.Hour
)
