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

// steps returns the steps of the saga in their order, and then those of the workflows after CONFIRMADA. The table has their Spanish
// texts; words has the texts of another language.
func steps(words Words) []step {
	var all []step
	for _, s := range compra.Steps {
		in := func(name, spanish string) string { return words.or("steps."+string(s.Command)+"."+name, spanish) }
		drawn := step{
			Command: s.Command, Participant: contracts.TopicOf(s.Command).Reader, Refusals: []contracts.MessageType{},
			Rollback: s.Undo.Command, Undone: in("undone", s.Undo.Title), State: s.Enters, Name: in("name", s.State), Title: in("title", s.Title),
			Summary: in("summary", s.Summary), Doing: in("doing", s.Doing),
		}
		for _, r := range s.Refused {
			drawn.Refusals = append(drawn.Refusals, r.Type)
		}
		all = append(all, drawn)
	}
	return all
}

// detail is a text of the table about a message, as the API has it, and in another language.
type detail struct {
	Spanish string `json:"spanish"`
	Text    string `json:"text"`
}

// details returns the texts of the table about the messages of the saga, by the type of the message, for a language that is not the
// default. A text of the history that the table does not have was written for one purchase, and is shown as it is.
func details(words Words) map[contracts.MessageType]detail {
	all := map[contracts.MessageType]detail{}
	for _, t := range messages() {
		if d, found := words.texts["details."+string(t)]; found {
			all[t] = detail{compra.Detail(t), d.plain}
		}
	}
	return all
}

// messages returns the messages about which the table has a text.
func messages() []contracts.MessageType {
	all := []contracts.MessageType{contracts.CrearCompra, contracts.CancelarCompra, contracts.BorrarDatos}
	for _, c := range compra.Commands() {
		if compra.Detail(c) != "" {
			all = append(all, c)
		}
		for _, r := range compra.Replies(c) {
			all = append(all, r.Type)
		}
	}
	return all
}
