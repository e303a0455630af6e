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

var grabar = flag.Bool("record", false, "record the histories that are missing in "+carpetaDeHistorias)

const carpetaDeHistorias = "testdata/historias"

// historia is a recorded run: what had happened when the workflow ran for the last time, and what it did then.
type historia struct {
	nombre   string
	eventos  []*protos.HistoryEvent
	acciones []*protos.WorkflowAction
}

// historiaEscrita is a historia in its file, each entry in protobuf's JSON.
type historiaEscrita struct {
	Eventos  []json.RawMessage `json:"eventos"`
	Acciones []json.RawMessage `json:"acciones"`
}

// grabarHistorias writes the runs of an instance that are not in the repository yet. One that is there stays: it stands
// for instances in flight, and a workflow that no longer agrees with it breaks them. Who knows that none is in flight
// removes the file and records it again.
func grabarHistorias(t *testing.T, nombre string, corridas []corrida) {
	t.Helper()
	for i, c := range corridas {
		archivo := filepath.Join(carpetaDeHistorias, fmt.Sprintf("%s.%d.json", nombre, i+1))
		if _, err := os.Stat(archivo); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		texto := fmt.Sprintf("{\"eventos\": [\n%s\n], \"acciones\": [\n%s\n]}\n", escribirTodos(t, c.eventos), escribirTodos(t, c.acciones))
		if err := os.WriteFile(archivo, []byte(texto), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// escribirTodos gives one message a line.
func escribirTodos[M proto.Message](t *testing.T, mensajes []M) []byte {
	t.Helper()
	var todos [][]byte
	for _, m := range mensajes {
		texto, err := protojson.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var compacto bytes.Buffer // protojson varies its spaces on purpose
		if err := json.Compact(&compacto, texto); err != nil {
			t.Fatal(err)
		}
		todos = append(todos, compacto.Bytes())
	}
	return bytes.Join(todos, []byte(",\n"))
}

func leerHistorias(t *testing.T) []historia {
	t.Helper()
	archivos, err := filepath.Glob(carpetaDeHistorias + "/*.json")
	if err != nil || len(archivos) == 0 {
		t.Fatalf("no hay historias en %s: %v", carpetaDeHistorias, err)
	}
	var todas []historia
	for _, archivo := range archivos {
		texto, err := os.ReadFile(archivo)
		if err != nil {
			t.Fatal(err)
		}
		var escrita historiaEscrita
		if err := json.Unmarshal(texto, &escrita); err != nil {
			t.Fatalf("%s: %v", archivo, err)
		}
		h := historia{nombre: filepath.Base(archivo)}
		for _, e := range escrita.Eventos {
			h.eventos = append(h.eventos, leerUno(t, e, &protos.HistoryEvent{}))
		}
		for _, a := range escrita.Acciones {
			h.acciones = append(h.acciones, leerUno(t, a, &protos.WorkflowAction{}))
		}
		todas = append(todas, h)
	}
	return todas
}

func leerUno[M proto.Message](t *testing.T, texto []byte, m M) M {
	t.Helper()
	if err := protojson.Unmarshal(texto, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// paso is what the workflow did at one place, as far as an instance in flight depends on it. What a timer waits for is
// not part of it: the engine keeps the time.
type paso struct {
	ID     int32
	Que    string
	Nombre string
	Con    string // JSON
}

func (p paso) String() string { return fmt.Sprintf("%d: %s %s %.200s", p.ID, p.Que, p.Nombre, p.Con) }

// deEvento is the step that an event records, or nil when the event is something that came from outside.
func deEvento(e *protos.HistoryEvent) *paso {
	if s := e.GetTaskScheduled(); s != nil {
		return &paso{e.GetEventId(), "actividad", s.GetName(), s.GetInput().GetValue()}
	}
	if c := e.GetTimerCreated(); c != nil {
		return &paso{e.GetEventId(), origen(c.GetOrigin()), c.GetName(), ""}
	}
	return nil
}

func deAccion(a *protos.WorkflowAction) paso {
	if s := a.GetScheduleTask(); s != nil {
		return paso{a.GetId(), "actividad", s.GetName(), s.GetInput().GetValue()}
	}
	if c := a.GetCreateTimer(); c != nil {
		return paso{a.GetId(), origen(c.GetOrigin()), c.GetName(), ""}
	}
	if f := a.GetCompleteWorkflow(); f != nil {
		return paso{a.GetId(), "fin", f.GetWorkflowStatus().String() + f.GetFailureDetails().GetErrorMessage(), f.GetResult().GetValue()}
	}
	return paso{a.GetId(), "otra cosa", a.String(), ""}
}

// origen names what a timer is for: events and actions have types of their own for the same.
func origen(o any) string {
	switch o.(type) {
	case *protos.TimerCreatedEvent_ExternalEvent, *protos.CreateTimerAction_ExternalEvent:
		return "espera de un evento"
	case *protos.TimerCreatedEvent_ActivityRetry, *protos.CreateTimerAction_ActivityRetry:
		return "espera entre intentos"
	default:
		return "espera"
	}
}

// igual tells whether a step is still the recorded one. Fields may be added to what a step is called with: those who read
// it do without them in instances in flight. Nothing may go or change, but for the words for a person.
func (p paso) igual(ahora paso) bool {
	if p.ID != ahora.ID || p.Que != ahora.Que || p.Nombre != ahora.Nombre || (p.Con == "") != (ahora.Con == "") {
		return false
	}
	var antes, despues any
	if p.Con == "" {
		return true
	}
	if json.Unmarshal([]byte(p.Con), &antes) != nil || json.Unmarshal([]byte(ahora.Con), &despues) != nil {
		return p.Con == ahora.Con
	}
	return contiene(despues, antes)
}

// contiene tells whether all of parte is in todo.
func contiene(todo, parte any) bool {
	campos, esObjeto := parte.(map[string]any)
	if !esObjeto {
		return reflect.DeepEqual(todo, parte)
	}
	entero, ok := todo.(map[string]any)
	for campo, valor := range campos {
		escrito, esta := entero[campo]
		ok = ok && esta && (campo == "motivo" || contiene(escrito, valor))
	}
	return ok
}
