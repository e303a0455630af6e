package compra

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/dapr/durabletask-go/api/protos"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

var record = flag.Bool("record", false, "record the histories that are missing in "+historyFolder)

const historyFolder = "testdata/historias"

// history is a recorded run: what had happened when the workflow ran for the last time, and what it did then.
type history struct {
	name    string
	events  []*protos.HistoryEvent
	actions []*protos.WorkflowAction
}

// writtenHistory is a history in its file, each entry in protobuf's JSON.
type writtenHistory struct {
	Events  []json.RawMessage `json:"eventos"`
	Actions []json.RawMessage `json:"acciones"`
}

// recordHistories writes the runs of an instance that are not in the repository yet. One that is there stays: it stands
// for instances in flight, and a workflow that no longer agrees with it breaks them. Who knows that none is in flight
// removes the file and records it again.
func recordHistories(t *testing.T, name string, runRecords []runRecord) {
	t.Helper()
	for i, c := range runRecords {
		file := filepath.Join(historyFolder, fmt.Sprintf("%s.%d.json", name, i+1))
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		text := fmt.Sprintf("{\"eventos\": [\n%s\n], \"acciones\": [\n%s\n]}\n", writeMessages(t, c.events), writeMessages(t, c.actions))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// writeMessages gives one message a line.
func writeMessages[M proto.Message](t *testing.T, messages []M) []byte {
	t.Helper()
	var all [][]byte
	for _, m := range messages {
		text, err := protojson.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer // protojson varies its spaces on purpose
		if err := json.Compact(&compact, text); err != nil {
			t.Fatal(err)
		}
		all = append(all, compact.Bytes())
	}
	return bytes.Join(all, []byte(",\n"))
}

func readHistories(t *testing.T) []history {
	t.Helper()
	files, err := filepath.Glob(historyFolder + "/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no hay historias en %s: %v", historyFolder, err)
	}
	var all []history
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var writtenExample writtenHistory
		if err := json.Unmarshal(text, &writtenExample); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		h := history{name: filepath.Base(file)}
		for _, e := range writtenExample.Events {
			h.events = append(h.events, loadOne(t, e, &protos.HistoryEvent{}))
		}
		for _, a := range writtenExample.Actions {
			h.actions = append(h.actions, loadOne(t, a, &protos.WorkflowAction{}))
		}
		all = append(all, h)
	}
	return all
}

func loadOne[M proto.Message](t *testing.T, text []byte, m M) M {
	t.Helper()
	if err := protojson.Unmarshal(text, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// step is what the workflow did at one place, as far as an instance in flight depends on it. What a timer waits for is
// not part of it: the engine keeps the time.
type step struct {
	ID     int32
	What   string
	Nombre string
	With   string // JSON
}

func (p step) String() string { return fmt.Sprintf("%d: %s %s %.200s", p.ID, p.What, p.Nombre, p.With) }

// ofEvent is the step that an event records, or nil when the event is something that came from outside.
func ofEvent(e *protos.HistoryEvent) *step {
	if s := e.GetTaskScheduled(); s != nil {
		return &step{e.GetEventId(), "actividad", s.GetName(), s.GetInput().GetValue()}
	}
	if c := e.GetTimerCreated(); c != nil {
		return &step{e.GetEventId(), origin(c.GetOrigin()), c.GetName(), ""}
	}
	return nil
}

func ofAction(a *protos.WorkflowAction) step {
	if s := a.GetScheduleTask(); s != nil {
		return step{a.GetId(), "actividad", s.GetName(), s.GetInput().GetValue()}
	}
	if c := a.GetCreateTimer(); c != nil {
		return step{a.GetId(), origin(c.GetOrigin()), c.GetName(), ""}
	}
	if f := a.GetCompleteWorkflow(); f != nil {
		return step{a.GetId(), "fin", f.GetWorkflowStatus().String() + f.GetFailureDetails().GetErrorMessage(), f.GetResult().GetValue()}
	}
	return step{a.GetId(), "otra cosa", a.String(), ""}
}

// origin names what a timer is for: events and actions have types of their own for the same.
func origin(o any) string {
	switch o.(type) {
	case *protos.TimerCreatedEvent_ExternalEvent, *protos.CreateTimerAction_ExternalEvent:
		return "espera de un evento"
	case *protos.TimerCreatedEvent_ActivityRetry, *protos.CreateTimerAction_ActivityRetry:
		return "espera entre intentos"
	default:
		return "espera"
	}
}

// equal tells whether a step is still the recorded one. Fields may be added to what a step is called with: those who read
// it do without them in instances in flight. Nothing may go or change, but for the words for a person.
func (p step) equal(now step) bool {
	if p.ID != now.ID || p.What != now.What || p.Nombre != now.Nombre || (p.With == "") != (now.With == "") {
		return false
	}
	var earlier, after any
	if p.With == "" {
		return true
	}
	if json.Unmarshal([]byte(p.With), &earlier) != nil || json.Unmarshal([]byte(now.With), &after) != nil {
		return p.With == now.With
	}
	return contains(after, earlier)
}

// contains tells whether all of parte is in everything.
func contains(everything, part any) bool {
	fields, isObject := part.(map[string]any)
	if !isObject {
		return reflect.DeepEqual(everything, part)
	}
	entire, ok := everything.(map[string]any)
	for field, value := range fields {
		written, present := entire[field]
		ok = ok && present && (field == "motivo" || contains(written, value))
	}
	return ok
}
