package compra

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

const (
	table  = "workflows/compra/steps.go"
	topics = "Topics in contracts/topics.go"
)

// Each step has the fields that it needs, and the steps fit together.
func TestStepsAreWhole(t *testing.T) {
	reached := inAnyOf(contracts.EstadoRecibida)
	var causes []contracts.MessageType
	for _, s := range Saga() {
		complain := func(wrong bool, format string, args ...any) {
			t.Helper()
			if wrong {
				t.Errorf("%s: "+format+": edit %s", slices.Concat([]any{s.Command}, args, []any{table})...)
			}
		}
		complain(s.Undo.Command == "" || s.Undo.Confirmed.Type == "", "nothing undoes it")
		complain(s.Undo.Title == "", "the timeline has no Title for %s", s.Undo.Command)
		for _, c := range s.In {
			complain(!slices.Contains(InFlight, c), "In has %s, in which no saga is in flight", c)
		}
		if s.Enters != "" {
			complain(!slices.Contains(contracts.Estados, s.Enters), "%s is no state of contracts/states.go", s.Enters)
			complain(slices.Contains(reached, s.Enters), "an earlier step enters %s", s.Enters)
			complain(!slices.Contains(s.In, s.Enters), "In does not have %s", s.Enters)
			complain(!slices.Contains(causes, s.Cause) && s.Cause != s.Command, "Cause is %s, which is no reply of an earlier step", s.Cause)
			complain(s.State == "" || s.Title == "" || s.Summary == "" || s.Doing == "", "the pages have no words for %s", s.Enters)
			reached = append(reached, s.Enters)
		}
		for _, c := range s.From {
			complain(!slices.Contains(InFlight, c), "From has %s, in which no saga is in flight", c)
		}
		causes = append(causes, s.Accepted.Type)
	}
	for _, s := range Steps {
		if len(s.In) == 0 {
			t.Errorf("%s: In is empty, so it may be sent in no state: edit %s", s.Command, table)
		}
	}
	for _, text := range notSkippable() {
		t.Errorf("%s: edit %s", text, table)
	}
	if approved := slices.DeleteFunc(Saga(), func(s Step) bool { return !s.Approved }); len(approved) != 1 || !slices.Contains(approved[0].In, contracts.EstadoPorAprobar) || approved[0].Enters == "" {
		t.Errorf("%d steps are Approved, and one must be, with POR_APROBAR in In and a state that it Enters: edit %s", len(approved), table)
	}
	if last := Saga()[len(Saga())-1]; last.Then != contracts.EstadoConfirmada {
		t.Errorf("the last step is %s and brings %q, not CONFIRMADA: edit %s", last.Command, last.Then, table)
	}
}

// notSkippable names the steps that a purchase cannot enter if it leaves out an added step before them. A workflow that started
// before the release leaves the added step out, so From of the step after it has the state before it too.
func notSkippable() []string {
	var bad []string
	before := inAnyOf(contracts.EstadoRecibida) // the states from which a purchase may come to the next step
	for _, s := range Saga() {
		if s.Enters == "" {
			continue
		}
		for _, estado := range before {
			if !slices.Contains(s.From, estado) {
				bad = append(bad, fmt.Sprintf("%s: From does not have %s, in which a purchase is that comes to this step", s.Command, estado))
			}
		}
		if s.since() == 1 { // every workflow has this step
			before = nil
		}
		before = append(before, s.Enters)
	}
	return bad
}

// Failure prevented: a purchase that began before a release skips the step that the release added. Then it cannot enter the state
// of the next step, and it ends there.
func TestAnAddedStepCanBeSkipped(t *testing.T) {
	before := Steps
	t.Cleanup(func() { Steps = before })
	const packing contracts.Estado = "EMPACANDO"
	added := Step{Workflow: CompraName, Command: "Added", Since: Version + 1, Enters: packing, From: Orden.From, In: inAnyOf(packing)}
	next := Orden
	for _, c := range []struct {
		from []contracts.Estado
		want int
	}{
		{inAnyOf(packing), 1},
		{Orden.From, 1},
		{append(inAnyOf(packing), Orden.From...), 0},
	} {
		next.From = c.from
		Steps = []Step{Inventario, Reserva, added, next, Salida, Anulacion}
		if bad := notSkippable(); len(bad) != c.want || c.want > 0 && !strings.Contains(bad[0], "CrearOrden") {
			t.Errorf("CrearOrden from %v: %q", c.from, bad)
		}
	}
}

// The messages of a step are on topics between gestor-compra and one participant, and each reply has a text for a customer.
func TestMessagesOfStepsHaveTopics(t *testing.T) {
	for _, s := range Steps {
		participant := contracts.TopicOf(s.Command).Reader
		for _, c := range []contracts.MessageType{s.Command, s.Undo.Command} {
			if topic := contracts.TopicOf(c); c != "" && (topic.Sender != "gestor-compra" || topic.Reader != participant || participant == "") {
				t.Errorf("%s goes from %q to %q, not from gestor-compra to the participant %q: edit %s", c, topic.Sender, topic.Reader, participant, topics)
			}
			if c == "" {
				continue
			}
			for _, r := range Replies(c) {
				if topic := contracts.TopicOf(r.Type); topic.Sender != participant || topic.Reader != "gestor-compra" {
					t.Errorf("%s, a reply to %s, goes from %q to %q, not from %q to gestor-compra: edit %s", r.Type, c, topic.Sender, topic.Reader, participant, topics)
				}
				if r.Detail == "" {
					t.Errorf("%s, a reply to %s, has no Detail: edit %s", r.Type, c, table)
				}
			}
		}
	}
	for _, topic := range contracts.Topics {
		for _, m := range topic.Messages {
			if topic.Sender == "gestor-compra" && topic.Name != string(contracts.EventosCompra) && !slices.Contains(Commands(), m) {
				t.Errorf("no step sends %s of %s: edit %s", m, topic.Name, table)
			}
		}
	}
}

// Failure prevented: a step after Orden is undone before ordenes says that the order has left. The purchase is then CONFIRMADA
// without that step.
func TestOnlyTheLastStepMayBeDispatched(t *testing.T) {
	saga := Saga()
	for i, s := range saga {
		if may := s.Undo.Dispatched.Type != ""; may != (i == len(saga)-1) || may && contracts.TopicOf(s.Command).Reader != "ordenes" {
			t.Errorf("%s: Dispatched is %q; the last step has one, and its participant is ordenes: edit %s", s.Command, s.Undo.Dispatched.Type, table)
		}
	}
}

// Compra does every step of the table, in its order.
func TestCompraDoesTheStepsOfTheTable(t *testing.T) {
	e := newScenario(t)
	l := e.start(t, course{}, "all-steps")
	e.finish(t, "all-steps")
	var want []string
	for _, s := range Saga() {
		want = append(want, string(s.Command))
	}
	if !slices.Equal(l.done(), want) {
		t.Errorf("Compra does %q, and the table has %q: edit workflows/compra/compra.go or %s", l.done(), want, table)
	}
}

// A refused rollback makes a purchase CONFIRMADA only where the table says so. After any other refusal the saga sends the rollback
// again, and the purchase ends as it should.
func TestTheTableSaysWhatARefusedRollbackMeans(t *testing.T) {
	e := newScenario(t)
	for _, s := range Saga() {
		for _, reply := range append([]contracts.MessageType{"RollbackNegado"}, contracts.TopicOf(s.Accepted.Type).Messages...) {
			if reply == s.Undo.Confirmed.Type {
				continue
			}
			id := strings.ToLower(string(s.Undo.Command + "-" + reply))
			undone := undoOf + string(s.Undo.Command)
			l := e.start(t, course{outcomes: map[string][]Outcome{string(s.Command): {doubtful}, undone: {refused(reply), accepted}}}, id)
			e.finish(t, id)
			end, tries := contracts.EstadoRechazada, 2
			if s.Command == contracts.CrearOrden && reply == contracts.OrdenDespachada {
				end, tries = contracts.EstadoConfirmada, 1
			}
			asked := len(slices.DeleteFunc(l.done(), func(call string) bool { return call != undone }))
			if l.ending == nil || l.ending.Estado != end || asked != tries {
				t.Errorf("%s answered by %s: asked %d times, ended %+v; want %d times and %s", s.Undo.Command, reply, asked, l.ending, tries, end)
			}
		}
	}
}

// Failure prevented: after a release that adds a step, a workflow in flight meets the step, which its history does not have.
func TestAStepOfALaterVersionIsLeftOut(t *testing.T) {
	added := Step{Workflow: CompraName, Command: "Added", Since: Version + 1, Undo: Undo{Command: "UndoAdded"}}
	before := Steps
	t.Cleanup(func() { Steps = before })
	Steps = slices.Insert(slices.Clone(Steps), 1, added)
	e := scenario{theater: &theater{}}
	e.engine = newEngine(t, func(r *workflow.Registry) error {
		return errors.Join(Register(r, e.theater), r.AddWorkflowN("Later", withSteps(func(r *walk) { r.do(Inventario); r.do(added); r.do(Orden) })))
	})
	for version, want := range map[int]string{0: "ValidarInventario, CrearOrden", Version: "ValidarInventario, CrearOrden", Version + 1: "ValidarInventario, Added, CrearOrden"} {
		id, l := fmt.Sprint("version-", version), &script{}
		e.theater.scripts.Store(id, l)
		in := course{}.input(id)
		in.Version = version
		e.engine.start(t, "Later", id, in)
		e.finish(t, id)
		if did := strings.Join(l.done(), ", "); did != want {
			t.Errorf("a workflow of version %d did %s, want %s", version, did, want)
		}
		if undoes := slices.Contains(rollbacks(Orden.Command, version), added.Undo.Command); undoes != (version > Version) {
			t.Errorf("a cancellation of version %d undoes the step that was added: %v", version, undoes)
		}
	}
}

// Failure prevented: an older program takes up a workflow that started with a newer release. The program does not know a step of
// the workflow, and neither does nor undoes the step.
func TestAWorkflowOfALaterTableEndsWithAnError(t *testing.T) {
	e := newScenario(t)
	for _, flow := range []string{CompraName, DespachoName, CancelacionName} {
		id, l := "later-"+flow, &script{}
		e.theater.scripts.Store(id, l)
		in := course{}.input(id)
		in.Version = Version + 1
		e.engine.start(t, flow, id, in)
		m, err := e.client.WaitForWorkflowCompletion(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if text := m.FailureDetails.GetErrorMessage(); !strings.Contains(text, fmt.Sprintf("version %d of the table of steps", Version+1)) || len(l.done()) > 0 {
			t.Errorf("%s ended %s, did %q and said %q", flow, m.RuntimeStatus, l.done(), text)
		}
	}
}

// IsPast compares states by the order of the saga.
func TestIsPast(t *testing.T) {
	for _, c := range []struct {
		estado contracts.Estado
		states []contracts.Estado
		want   bool
	}{
		{contracts.EstadoProductosReservados, Reserva.In, true},
		{contracts.EstadoPorAprobar, Reserva.In, true},
		{contracts.EstadoProductosValidos, Reserva.In, false},
		{contracts.EstadoIniciada, Reserva.In, false},
		{contracts.EstadoPorAprobar, Orden.In, false},
		{contracts.EstadoConfirmada, Reserva.In, false},
		{contracts.EstadoCompensando, Reserva.In, false},
		{contracts.EstadoPorAprobar, Salida.In, false},
		{contracts.EstadoPorAprobar, nil, false},
	} {
		if got := IsPast(c.estado, c.states); got != c.want {
			t.Errorf("%s is past %v: %v", c.estado, c.states, got)
		}
	}
	if last := InFlight[len(InFlight)-1]; last != contracts.EstadoPorAprobar || len(InFlight) != len(Entered())+2 {
		t.Errorf("in flight are %v", InFlight)
	}
}
