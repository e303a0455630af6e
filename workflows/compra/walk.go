package compra

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// walk is one walk through the saga. It remembers what is to be undone, and where a step stopped the walk: the
// steps after that do nothing, so that Compra can be read without an `if` after each of them.
type walk struct {
	ctx         *workflow.WorkflowContext
	input       Input
	desde       []contracts.Estado      // where the purchase may be when it has to be undone
	undo        []contracts.MessageType // rollbacks of what was done or is in doubt, in the order in which it was done
	ending      *Ending                 // why and how the walk ends early; nil while it goes on
	nothingToDo bool                    // the purchase is at its end already, or somebody else's
	handedOver  bool                    // the walk goes on in a new run of the same instance
}

// compensation is what a compensation must remember over a ContinueAsNew.
type compensation struct {
	Pendientes []contracts.MessageType `json:"pendientes"`
	End        Ending                  `json:"fin"`
	From       time.Time               `json:"desde"`
	Rounds     int                     `json:"vueltas"` // fruitless ones, of the rollback at hand
}

// undoing tells that this run goes on with a compensation that an earlier one began.
func (e Input) undoing() bool { return e.Resumed != nil && e.Resumed.End.Estado != "" }

func newWalk(ctx *workflow.WorkflowContext, e Input, desde []contracts.Estado) *walk {
	r := &walk{ctx: ctx, input: e, desde: desde}
	if e.undoing() {
		r.ending, r.undo = &e.Resumed.End, e.Resumed.Pendientes
	}
	return r
}

func (r *walk) stopped() bool { return r.ending != nil || r.nothingToDo }

// do does one step of the saga. Its rollback is remembered when the step was done, or may have been.
func (r *walk) do(s Step) {
	if r.stopped() || s.since() > max(1, r.input.Version) {
		return
	}
	var d Outcome
	if err := r.call(askName, s.Question(r.input.Compra), &d); err != nil {
		// Its tries are used up, and whether the command went out is unknown: as if it had.
		d = Outcome{Result: NoReply, Asked: true}
	}
	if d.Asked && d.Result != Refused && s.Undo.Command != "" {
		r.undo = append(r.undo, s.Undo.Command)
	}
	r.proceed(d, s.Command)
}

// proceed goes on after an outcome, or stops the walk.
func (r *walk) proceed(d Outcome, step contracts.MessageType) {
	switch d.Result {
	case Aceptada:
	case Refused:
		r.stop(contracts.EstadoRechazada, d.Reply, d.Motivo, d.Faltantes)
	case Cancelled:
		r.stop(contracts.EstadoCancelada, contracts.CancelarCompra, d.Motivo, nil)
	case NoReply:
		r.stop(contracts.EstadoRechazada, step, "No hubo respuesta a "+string(step)+" a tiempo.", nil)
	default: // Finished
		r.nothingToDo = true
	}
}

// wait waits for an event until deadline and tells whether the time is up.
func (r *walk) wait(event string, deadline time.Time) bool {
	left := deadline.Sub(r.ctx.CurrentTimeUTC())
	if left <= 0 {
		return true
	}
	timeout := r.ctx.WaitForExternalEvent(event, left).Await(nil)
	if r.input.Run != "" { // a timer of the replaced instance may end the wait: only the clock tells
		return !r.ctx.CurrentTimeUTC().Before(deadline)
	}
	return timeout != nil
}

func (r *walk) stop(estado contracts.Estado, cause contracts.MessageType, motivo string, faltantes []contracts.Faltante) {
	r.ending = &Ending{
		IDCompra: r.input.Compra.ID, Estado: estado, Cause: cause, Motivo: motivo, Faltantes: faltantes,
		From: append(inAnyOf(contracts.EstadoCompensando), r.desde...),
	}
}

// End ends the walk: nothing when the purchase was confirmed, else everything is undone and the final state recorded.
func (r *walk) End() (any, error) {
	if r.ending == nil {
		return nil, nil
	}
	if !r.compensate() {
		return nil, nil // it goes on as a new run of the same instance
	}
	return nil, r.call(closeName, *r.ending, nil)
}

// LongestSleep is the longest time, in a saga that goes on, between two activities: the sleep between two tries of a rollback, and the
// wait of the engine before it tries a failed activity again. The reconciler waits longer before it takes a saga for one that stands still.
const LongestSleep = 30 * time.Second

// firstSleep is the sleep of a saga before its second try of a rollback; each further one is twice as long, up to LongestSleep.
const firstSleep = 5 * time.Second

// roundsPerRun is after how many sleeps a compensation starts a new run, so that its history does not grow without end.
const roundsPerRun = 20

// compensate undoes in reverse, each confirmed before the next. It reports false when it handed over to a new run.
// What cannot be undone within CompensationDeadline makes the purchase FALLIDA.
func (r *walk) compensate() bool {
	c := compensation{Pendientes: r.undo, End: *r.ending, From: r.ctx.CurrentTimeUTC()}
	if r.input.undoing() {
		c = *r.input.Resumed
	}
	for inThisRun := 1; len(c.Pendientes) > 0; inThisRun++ {
		last := len(c.Pendientes) - 1
		var d Outcome
		err := r.call(undoName, Rollback{
			Compra: r.input.Compra, Comando: c.Pendientes[last], Motivo: c.End.Motivo, Cause: c.End.Cause, From: r.desde,
		}, &d)
		if err == nil && d.Result == Aceptada {
			c.Pendientes, c.Rounds = c.Pendientes[:last], 0
			continue
		}
		if err == nil && d.Result == Refused && Dispatched(c.Pendientes[last], d.Reply) {
			// The order has left the warehouse, and its owner decides (docs/adr/who-owns-a-fact-decides.md). It is
			// the first to be undone, so nothing was: the purchase is confirmed after all, and its dispatch follows.
			r.ending = &Ending{IDCompra: r.ending.IDCompra, Estado: contracts.EstadoConfirmada, Cause: d.Reply, IDOrden: d.IDOrden,
				Motivo: "La orden ya había salido de la bodega.", From: inAnyOf(contracts.EstadoCompensando)}
			return true
		}
		if r.ctx.CurrentTimeUTC().Sub(c.From) > r.input.Settings.CompensationDeadline {
			r.ending = &Ending{IDCompra: r.ending.IDCompra, Estado: contracts.EstadoFallida, Cause: c.Pendientes[last], From: r.ending.From,
				Detalle: "No se pudo deshacer: " + unconfirmed(c.Pendientes[last], d) + ". " + c.End.Motivo}
			return true
		}
		if !r.sleep(&c, inThisRun) {
			return false
		}
	}
	return true
}

// unconfirmed says what became of a rollback that was not done.
func unconfirmed(rollback contracts.MessageType, d Outcome) string {
	if d.Reply != "" {
		return string(rollback) + ", se respondió " + string(d.Reply)
	}
	return string(rollback) + " sin confirmar"
}

// sleep waits before the next try. It reports false when it handed over to a new run.
func (r *walk) sleep(c *compensation, inThisRun int) bool {
	if err := r.ctx.CreateTimer(r.input.Settings.delay(c.Rounds)).Await(nil); err != nil {
		return false
	}
	c.Rounds++
	if inThisRun < roundsPerRun {
		return true
	}
	next := r.input
	next.Resumed = c
	r.ctx.ContinueAsNew(next)
	r.handedOver = true
	return false
}

// delay is how long to wait after so many fruitless tries of a rollback.
func (a Settings) delay(rounds int) time.Duration {
	first := cmp.Or(a.CompensationDelay, firstSleep)
	return min(first<<min(rounds, 4), LongestSleep)
}

// retryPolicy is how the engine tries an activity again that failed: for trouble that the activity did not ride out itself.
var retryPolicy = workflow.RetryPolicy{
	MaxAttempts: 100, InitialRetryInterval: time.Second, BackoffCoefficient: 2, MaxRetryInterval: LongestSleep,
}

// call calls an activity and waits for its outcome. A run that replaces another may be given the outcome of an activity of
// the replaced one, since the engine numbers the activities of both alike: it bears another name, or none, and the activity is called again.
// A late failure is not told apart: it costs one try.
func (r *walk) call(activity string, input, output any) error {
	run := r.input.Run
	if run == "" {
		return r.callOnce(activity, input, output)
	}
	for {
		var out enveloped[json.RawMessage]
		if err := r.callOnce(activity, enveloped[any]{run, input}, &out); err != nil {
			return err
		}
		switch {
		case out.Run != run:
			continue
		case output == nil:
			return nil
		default:
			return json.Unmarshal(out.Body, output)
		}
	}
}

func (r *walk) callOnce(activity string, input, output any) error {
	policy := retryPolicy
	return r.ctx.CallActivity(activity, workflow.WithActivityInput(input), workflow.WithActivityRetryPolicy(&policy)).Await(output)
}
