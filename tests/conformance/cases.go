package main

import "context"

// Kind says what a failed case means.
type Kind string

// The kinds of cases.
const (
	Must     Kind = "must"     // without it, purchases are lost or done twice
	Should   Kind = "should"   // without it, operators lack something
	Observed Kind = "observed" // a measurement; it cannot fail
)

// Case is something that the kit asks of a program.
type Case struct {
	ID    string
	Title string
	Kind  Kind
	Level string // A: Pulsar and .avsc only; B: through its daprd too; C: with commands that kill and stop
	Slow  bool   // longer than some seconds: not in `make test`
	When  func(k *Kit) bool
	Run   func(r *Run)
}

// cases returns the cases for a role.
func cases(role string) []Case {
	if role == "manager" {
		return managerCases
	}
	return participantCases
}

func stores(k *Kit) bool { return !k.Stateless }
func dispatches(k *Kit) bool {
	return k.Dispatch.Command != "" || k.Dispatch.POST != "" && k.AppURL != ""
}
func can(actions ...string) func(k *Kit) bool {
	return func(k *Kit) bool {
		for _, a := range actions {
			if k.Control == nil || !k.Control.Can(a) {
				return false
			}
		}
		return true
	}
}

// Control takes parts of the system away and brings them back.
type Control interface {
	Can(action string) bool
	Do(ctx context.Context, action string) error
}

// The actions of a Control. Each with "-away" has one with "-back".
const (
	Kill         = "kill"  // SIGKILL to the program and its sidecar
	Stop         = "stop"  // SIGTERM, and wait for the end
	Start        = "start" // start what was killed or stopped, and wait until it is ready
	DatabaseAway = "database-away"
	DatabaseBack = "database-back"
	BrokerAway   = "broker-away"
	BrokerBack   = "broker-back"
	Break        = "break" // make every handler fail for a reason that is no trouble of the infrastructure
	Mend         = "mend"
)
