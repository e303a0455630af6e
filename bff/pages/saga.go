package pages

import (
	"entregas/contracts"
	"entregas/workflows/compra"
)

// step is a row of the table of workflows/compra, in the form that the pages draw. static/saga.js reads it.
type step struct {
	Command     contracts.MessageType   `json:"command"`
	Participant string                  `json:"participant"`
	Refusals    []contracts.MessageType `json:"refusals"`
	Rollback    contracts.MessageType   `json:"rollback,omitempty"`
	Undone      string                  `json:"undone,omitempty"` // the title of the confirmed rollback
	State       contracts.Estado        `json:"state,omitempty"`  // the state that the step enters
	Name        string                  `json:"name,omitempty"`   // of State
	Title       string                  `json:"title,omitempty"`  // of State in the timeline
	Summary     string                  `json:"summary,omitempty"`
	Doing       string                  `json:"doing,omitempty"`
}

// steps returns the steps of the saga in their order, and then those of the workflows after CONFIRMADA.
func steps() []step {
	var all []step
	for _, s := range compra.Steps {
		drawn := step{
			Command: s.Command, Participant: contracts.TopicOf(s.Command).Reader, Refusals: []contracts.MessageType{},
			Rollback: s.Undo.Command, Undone: s.Undo.Title, State: s.Enters, Name: s.State, Title: s.Title, Summary: s.Summary, Doing: s.Doing,
		}
		for _, r := range s.Refused {
			drawn.Refusals = append(drawn.Refusals, r.Type)
		}
		all = append(all, drawn)
	}
	return all
}
