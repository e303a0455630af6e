package compra

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// The engine repeats a failed activity at once, and three times only, so that a test can use up the tries.
	retryPolicy = workflow.RetryPolicy{MaxAttempts: attempts, InitialRetryInterval: time.Millisecond, BackoffCoefficient: 1, MaxRetryInterval: time.Millisecond}
	os.Exit(m.Run())
}

const attempts = 3

// The outcomes of steps.
var (
	accepted      = Outcome{Result: Accepted, Asked: true}
	doubtful      = Outcome{Result: NoReply, Asked: true}
	cancelled     = Outcome{Result: Cancelled, Motivo: "Ya no la quiero."}              // before the command was sent
	cancelledLate = Outcome{Result: Cancelled, Asked: true, Motivo: "Ya no la quiero."} // after the step was done
	finished      = Outcome{Result: Finished}
	pending       = Outcome{Result: Pending}
	notConfirmed  = Outcome{Result: NoReply, Asked: true}
	missing       = []contracts.Faltante{{IDProducto: "15", Solicitada: 1, Disponible: 0}}
)

func refused(r contracts.MessageType) Outcome {
	return Outcome{Result: Refused, Asked: true, Reply: r, Motivo: "No se pudo: " + string(r)}
}

// course is one course of a workflow: the outcomes of the activities, and the calls that must follow.
type course struct {
	name     string
	flow     string           // empty: Compra
	tooBig   bool             // the purchase needs an approval
	lost     contracts.Estado // the compensation was lost; after all rollbacks the purchase ends in this state
	settings Settings
	outcomes map[string][]Outcome
	wake     []string // after these calls the test wakes the workflow
	failure  func(call string, attempt int) bool
	run      string // the name of the run; the first run of an id has none
	calls    string // the expected calls, in order
	ending   Ending // the expected end, without ids and reasons
	detail   string // a part of the expected detail of a FALLIDA
}

// want returns the expected calls, one an entry. In c.calls, "x3" after a call stands for three calls.
func (c course) want() []string {
	var all []string
	for _, line := range strings.Split(c.calls, ",") {
		call, times := strings.TrimSpace(line), 1
		if cut := strings.LastIndex(call, " x"); cut > 0 {
			if _, err := fmt.Sscanf(call[cut:], " x%d", &times); err == nil {
				call = call[:cut]
			}
		}
		all = append(all, slices.Repeat([]string{call}, times)...)
	}
	return all
}

// scenario is an engine with the scripts of all its purchases.
type scenario struct {
	*engine
	theater *theater
}

func newScenario(t *testing.T) scenario {
	e := scenario{theater: &theater{}}
	e.engine = newEngine(t, func(r *workflow.Registry) error { return Register(r, e.theater) })
	return e
}

// start starts the workflow of a course for the purchase id, and returns its script.
func (e scenario) start(t *testing.T, c course, id string) *script {
	t.Helper()
	l := &script{outcomes: map[string][]Outcome{}, failure: c.failure}
	for key, list := range c.outcomes {
		l.outcomes[key] = slices.Clone(list)
	}
	if c.tooBig && l.outcomes[aprobacionName] == nil {
		l.outcomes[aprobacionName] = []Outcome{pending}
	}
	l.onCall = func(call string) {
		if slices.Contains(c.wake, call) {
			if err := e.client.RaiseEvent(t.Context(), id, DecisionEvent); err != nil {
				t.Errorf("waking it: %v", err)
			}
		}
	}
	e.theater.scripts.Store(id, l)
	flow := c.flow
	if flow == "" {
		flow = CompraName
	}
	e.engine.start(t, flow, id, c.input(id))
	return l
}

func (c course) input(id string) Input {
	e := Input{Compra: contracts.SolicitudCompra{ID: id, IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "15", Cantidad: 1}}}, Settings: c.settings}
	if c.tooBig {
		e.Compra.Productos[0].Cantidad = 101
	}
	e.Settings.AprobacionThreshold, e.Run, e.Version = 100, c.run, Version
	if e.Settings.AprobacionDeadline == 0 {
		e.Settings.AprobacionDeadline = 24 * time.Hour
	}
	if e.Settings.CompensationDeadline == 0 {
		e.Settings.CompensationDeadline = 24 * time.Hour
	}
	if e.Settings.CompensationDelay == 0 {
		e.Settings.CompensationDelay = time.Millisecond
	}
	if c.flow == CancelacionName {
		e.Motivo = "Ya no la quiero."
	}
	if c.lost != "" {
		return undoing(e, c.lost)
	}
	return e
}

// Each course makes the expected calls in their order and ends as expected.
func TestPaths(t *testing.T) {
	e := newScenario(t)
	scripts := map[string]*script{}
	for _, c := range courses {
		scripts[c.name] = e.start(t, c, c.name)
	}
	for _, c := range courses {
		t.Run(c.name, func(t *testing.T) {
			e.finish(t, c.name)
			l := scripts[c.name]
			if done := l.done(); !slices.Equal(done, c.want()) {
				t.Fatalf("did      %q\nexpected %q (the steps of steps.go, in the order of workflows/compra/compra.go)", done, c.want())
			}
			l.checkEnding(t, c)
		})
	}
	if *record {
		for _, c := range courses {
			recordHistories(t, c.name, e.executor.of(c.name))
		}
	}
}

// checkEnding checks the recorded end of the walk, and the fields that were sent with each rollback.
func (l *script) checkEnding(t *testing.T, c course) {
	t.Helper()
	if (l.ending != nil) != (c.ending.Estado != "") {
		t.Fatalf("ended with %+v, expected %+v", l.ending, c.ending)
	}
	from := InFlight
	if c.flow == CancelacionName {
		from = inAnyOf(contracts.EstadoConfirmada)
	}
	for _, r := range l.rollbacks {
		if !slices.Equal(r.From, from) || r.Motivo == "" || r.Cause == "" {
			t.Errorf("rolled back %s from %v for %q (%s)", r.Command, r.From, r.Motivo, r.Cause)
		}
	}
	if l.ending == nil {
		return
	}
	k := *l.ending
	if k.Estado != c.ending.Estado || k.Cause != c.ending.Cause || k.IDOrden != c.ending.IDOrden || !slices.Equal(k.Faltantes, c.ending.Faltantes) {
		t.Errorf("ended with %+v, expected %+v", k, c.ending)
	}
	if failed := k.Estado == contracts.EstadoFallida; failed != (k.Motivo == "") || failed && !strings.Contains(k.Detalle, c.detail) || failed != (c.detail != "") {
		t.Errorf("the reason is %q and the history tells %q, expected %q", k.Motivo, k.Detalle, c.detail) // a FALLIDA keeps its reason
	}
	if len(l.rollbacks) > 0 && !slices.Contains(k.From, contracts.EstadoCompensando) {
		t.Errorf("ends from %v", k.From)
	}
}

// Each call of a course fails once in turn. The engine tries the call again, and the purchase goes the same way.
func TestFailureInEachCall(t *testing.T) {
	e := newScenario(t)
	type tc struct {
		course
		id     string
		script *script
		want   []string
	}
	var cases []tc
	for _, c := range courses {
		if c.failure != nil || len(c.want()) > 9 { // a long course repeats the calls of the short ones
			continue
		}
		for i := range c.want() {
			fresh := tc{course: c, id: fmt.Sprint(c.name, " ", i), want: slices.Insert(c.want(), i, c.want()[i])}
			attempt := 0
			for _, call := range c.want()[:i+1] {
				if call == c.want()[i] {
					attempt++
				}
			}
			fresh.failure = func(call string, v int) bool { return call == c.want()[i] && v == attempt }
			fresh.script = e.start(t, fresh.course, fresh.id)
			cases = append(cases, fresh)
		}
	}
	for _, c := range cases {
		t.Run(c.id, func(t *testing.T) {
			e.finish(t, c.id)
			if done := c.script.done(); !slices.Equal(done, c.want) {
				t.Fatalf("did      %q\nexpected %q", done, c.want)
			}
			c.script.checkEnding(t, c.course)
		})
	}
}

// docs/adr/accept-then-start-by-priority.md: a purchase whose lease ran out may be scheduled after its workflow has ended, and
// the engine then runs it from the start. The first step finds that the purchase is past it, and the workflow ends.
func TestAgainFromTheBeginningDoesNothing(t *testing.T) {
	e := newScenario(t)
	for _, c := range courses[:4] {
		e.start(t, c, c.name)
	}
	for _, c := range courses[:4] {
		e.finish(t, c.name)
		if err := e.client.PurgeWorkflowState(t.Context(), c.name); err != nil {
			t.Fatal(err)
		}
		l := e.start(t, course{outcomes: map[string][]Outcome{"ValidarInventario": {finished}}}, c.name)
		e.finish(t, c.name)
		if done := l.done(); len(done) != 1 {
			t.Errorf("%s did %q when it ran again", c.name, done)
		}
	}
}

func TestWhatNeedsAprobacion(t *testing.T) {
	for unidades, needs := range map[int]bool{1: false, 100: false, 101: true} {
		e := Input{Settings: Settings{AprobacionThreshold: 100}}
		e.Compra.Productos = []contracts.Linea{{IDProducto: "1", Cantidad: unidades - 1}, {IDProducto: "2", Cantidad: 1}}
		if e.RequiresAprobacion() != needs {
			t.Errorf("a purchase of %d units needs an approval: %v", unidades, !needs)
		}
	}
}

func TestHowLongACompensationWaits(t *testing.T) {
	for _, c := range []struct {
		first  time.Duration // a setting
		rounds int
		delay  time.Duration
	}{
		{0, 0, 5 * time.Second}, {0, 1, 10 * time.Second}, {0, 3, LongestSleep}, {0, 1000, LongestSleep},
		{time.Second, 0, time.Second}, {time.Second, 2, 4 * time.Second}, {time.Second, 1000, 16 * time.Second},
	} {
		if delay := (Settings{CompensationDelay: c.first}).delay(c.rounds); delay != c.delay {
			t.Errorf("the delay after %d rounds is %v, expected %v", c.rounds, delay, c.delay)
		}
	}
}
