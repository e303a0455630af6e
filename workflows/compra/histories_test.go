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

const historyFolder = "testdata/histories"

// history is a recorded run: the events before the last turn of the workflow, and the actions of that turn.
type history struct {
	name    string
	events  []*protos.HistoryEvent
	actions []*protos.WorkflowAction
}

// writtenHistory is the form of a history in its file. Each entry is protobuf's JSON.
type writtenHistory struct {
	Events  []json.RawMessage `json:"events"`
	Actions []json.RawMessage `json:"actions"`
}

// recordHistories writes a file for each run of an instance that has no file yet. It does not overwrite a file: a file stands for
// instances in flight, and a workflow that does not replay it breaks them. A developer may delete a file and record it again only
// where no such instance is in flight.
func recordHistories(t *testing.T, name string, runRecords []runRecord) {
	t.Helper()
	for i, c := range runRecords {
		file := filepath.Join(historyFolder, fmt.Sprintf("%s.%d.json", name, i+1))
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		text := fmt.Sprintf("{\"events\": [\n%s\n], \"actions\": [\n%s\n]}\n", writeMessages(t, c.events), writeMessages(t, c.actions))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// writeMessages returns the JSON of the messages, one message a line.
func writeMessages[M proto.Message](t *testing.T, messages []M) []byte {
	t.Helper()
	var all [][]byte
	for _, m := range messages {
		text, err := protojson.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer // protojson varies its white space on purpose
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
		t.Fatalf("no histories in %s: %v", historyFolder, err)
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

// step is one action of a workflow, with the fields on which an instance in flight depends. The time of a timer is not among
// them, because the engine keeps it.
type step struct {
	ID   int32
	What string
	Name string
	With string // JSON
}

func (p step) String() string { return fmt.Sprintf("%d: %s %s %.200s", p.ID, p.What, p.Name, p.With) }

// ofEvent returns the step that an event records. It returns nil for an event that came from outside the workflow.
func ofEvent(e *protos.HistoryEvent) *step {
	if s := e.GetTaskScheduled(); s != nil {
		return &step{e.GetEventId(), "activity", s.GetName(), s.GetInput().GetValue()}
	}
	if c := e.GetTimerCreated(); c != nil {
		return &step{e.GetEventId(), origin(c.GetOrigin()), c.GetName(), ""}
	}
	return nil
}

func ofAction(a *protos.WorkflowAction) step {
	if s := a.GetScheduleTask(); s != nil {
		return step{a.GetId(), "activity", s.GetName(), s.GetInput().GetValue()}
	}
	if c := a.GetCreateTimer(); c != nil {
		return step{a.GetId(), origin(c.GetOrigin()), c.GetName(), ""}
	}
	if f := a.GetCompleteWorkflow(); f != nil {
		return step{a.GetId(), "end", f.GetWorkflowStatus().String() + f.GetFailureDetails().GetErrorMessage(), f.GetResult().GetValue()}
	}
	return step{a.GetId(), "something else", a.String(), ""}
}

// origin returns the purpose of a timer. The history event and the action of a timer have different Go types.
func origin(o any) string {
	switch o.(type) {
	case *protos.TimerCreatedEvent_ExternalEvent, *protos.CreateTimerAction_ExternalEvent:
		return "wait for an event"
	case *protos.TimerCreatedEvent_ActivityRetry, *protos.CreateTimerAction_ActivityRetry:
		return "wait between tries"
	default:
		return "wait"
	}
}

// equal reports whether the step `now` is the same as the recorded step p. Every field of p must also be in `now` with the same
// value. Only motivo, a text for a person, may have another value. `now` may have more fields in the input of an activity: for an
// instance in flight, the activity works without them.
func (p step) equal(now step) bool {
	if p.ID != now.ID || p.What != now.What || p.Name != now.Name || (p.With == "") != (now.With == "") {
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

// contains reports whether everything has each field of part with the same value.
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
