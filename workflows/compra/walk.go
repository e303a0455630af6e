package compra

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// walk is one run of a workflow. It keeps the rollbacks of the steps that were done. After a step that stops the walk, the further
// steps do nothing; so Compra needs no `if` after each step.
type walk struct {
	ctx         *workflow.WorkflowContext
	input       Input
	from        []contracts.Estado      // the states in which a compensation may begin
	undo        []contracts.MessageType // the rollbacks of the steps that were or may have been done, in the order of the steps
	ending      *Ending                 // how the walk ends early; nil while it goes on
	nothingToDo bool                    // the purchase is past this walk
	handedOver  bool                    // a new run of the same instance goes on
}

// compensation is the state of a compensation that a ContinueAsNew passes to the next run.
type compensation struct {
	Pending []contracts.MessageType `json:"pending"`
	End     Ending                  `json:"ending"`
	From    time.Time               `json:"from"`
	Rounds  int                     `json:"rounds"` // the tries so far of the last rollback in Pending
}

// undoing reports whether this run goes on with a compensation that an earlier run began.
func (e Input) undoing() bool { return e.Resumed != nil && e.Resumed.End.Estado != "" }

// begin reads the input of a workflow. It fails where the workflow started with a later version of the table of steps than this program
// has: the workflow would leave out a step and its rollback. The instance then ends, and the reconciler replaces it.
func begin(ctx *workflow.WorkflowContext, from []contracts.Estado) (*walk, error) {
	var e Input
	if err := ctx.GetInput(&e); err != nil {
		return nil, err
	}
	if e.Version > Version {
		return nil, fmt.Errorf("the workflow has version %d of the table of steps, and this program has only version %d: "+
			"run the later release", e.Version, Version)
	}
	return newWalk(ctx, e, from), nil
}

func newWalk(ctx *workflow.WorkflowContext, e Input, from []contracts.Estado) *walk {
	r := &walk{ctx: ctx, input: e, from: from}
	if e.undoing() {
		r.ending, r.undo = &e.Resumed.End, e.Resumed.Pending
	}
	return r
}

func (r *walk) stopped() bool { return r.ending != nil || r.nothingToDo }

// do does one step of the saga. It keeps the rollback of the step when the step was done or may have been done.
func (r *walk) do(s Step) {
	if r.stopped() || !s.partOf(r.input.Version) {
		return
	}
	var d Outcome
	if err := r.call(askName, s.Question(r.input.Compra), &d); err != nil {
		// The engine has used up its tries. The command may have been sent, so the outcome says that it was.
		d = Outcome{Result: NoReply, Asked: true}
	}
	if d.Asked && d.Result != Refused && s.Undo.Command != "" {
		r.undo = append(r.undo, s.Undo.Command)
	}
	r.proceed(d, s.Command)
}

// proceed stops the walk where the outcome d of a step does not allow the next step.
func (r *walk) proceed(d Outcome, step contracts.MessageType) {
	switch d.Result {
	case Accepted:
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

// wait waits for an event until deadline, and reports whether the deadline has passed.
func (r *walk) wait(event string, deadline time.Time) bool {
	left := deadline.Sub(r.ctx.CurrentTimeUTC())
	if left <= 0 {
		return true
	}
	timeout := r.ctx.WaitForExternalEvent(event, left).Await(nil)
	if r.input.Run != "" { // a timer of the replaced instance may end the wait, so only the clock is right
		return !r.ctx.CurrentTimeUTC().Before(deadline)
	}
	return timeout != nil
}

func (r *walk) stop(estado contracts.Estado, cause contracts.MessageType, motivo string, faltantes []contracts.Faltante) {
	r.ending = &Ending{
		IDCompra: r.input.Compra.ID, Estado: estado, Cause: cause, Motivo: motivo, Faltantes: faltantes,
		From: append(inAnyOf(contracts.EstadoCompensando), r.from...),
	}
}

// End ends the walk. It does nothing for a purchase that was confirmed. Else it undoes the steps and records the last state.
func (r *walk) End() (any, error) {
	if r.ending == nil {
		return nil, nil
	}
	if !r.compensate() {
		return nil, nil // a new run of the same instance goes on
	}
	return nil, r.call(closeName, *r.ending, nil)
}

// LongestSleep is the longest time between two activities of a saga that is alive. It limits the sleep between two tries of a
// rollback, and the wait of the engine before it tries a failed activity again. The reconciler waits longer than this before it
// restarts a saga.
const LongestSleep = 30 * time.Second

// firstSleep is the sleep before the second try of a rollback. Each further sleep is twice as long, up to LongestSleep.
const firstSleep = 5 * time.Second

// roundsPerRun is the number of sleeps after which a new run goes on. It limits the length of an instance's history.
const roundsPerRun = 20

// compensate sends the rollbacks in reverse order, and waits for each confirmation before the next rollback. A purchase that
// cannot be undone within CompensationDeadline ends FALLIDA. compensate reports false when a new run of the instance goes on.
func (r *walk) compensate() bool {
	c := compensation{Pending: r.undo, End: *r.ending, From: r.ctx.CurrentTimeUTC()}
	if r.input.undoing() {
		c = *r.input.Resumed
	}
	for inThisRun := 1; len(c.Pending) > 0; inThisRun++ {
		last := len(c.Pending) - 1
		var d Outcome
		err := r.call(undoName, Rollback{
			Compra: r.input.Compra, Command: c.Pending[last], Motivo: c.End.Motivo, Cause: c.End.Cause, From: r.from,
		}, &d)
		if err == nil && d.Result == Accepted {
			c.Pending, c.Rounds = c.Pending[:last], 0
			continue
		}
		if err == nil && d.Result == Refused && Dispatched(c.Pending[last], d.Reply) {
			// ordenes owns the order, and says that it has left the warehouse (docs/adr/who-owns-a-fact-decides.md). This is the
			// first rollback, so no step is undone yet: the purchase is CONFIRMADA, and its dispatch follows.
			r.ending = &Ending{IDCompra: r.ending.IDCompra, Estado: contracts.EstadoConfirmada, Cause: d.Reply, IDOrden: d.IDOrden,
				Motivo: "La orden ya había salido de la bodega.", From: inAnyOf(contracts.EstadoCompensando)}
			return true
		}
		if r.ctx.CurrentTimeUTC().Sub(c.From) > r.input.Settings.CompensationDeadline {
			r.ending = &Ending{IDCompra: r.ending.IDCompra, Estado: contracts.EstadoFallida, Cause: c.Pending[last], From: r.ending.From,
				Detalle: "No se pudo deshacer: " + unconfirmed(c.Pending[last], d) + ". " + c.End.Motivo}
			return true
		}
		if !r.sleep(&c, inThisRun) {
			return false
		}
	}
	return true
}

// unconfirmed returns the text for a customer about a rollback that was not confirmed.
func unconfirmed(rollback contracts.MessageType, d Outcome) string {
	if d.Reply != "" {
		return string(rollback) + ", se respondió " + string(d.Reply)
	}
	return string(rollback) + " sin confirmar"
}

// sleep waits before the next try. It reports false when a new run of the instance goes on.
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

// delay returns how long to wait after the given number of tries.
func (a Settings) delay(rounds int) time.Duration {
	first := cmp.Or(a.CompensationDelay, firstSleep)
	return min(first<<min(rounds, 4), LongestSleep)
}

// retryPolicy is the engine's policy for an activity that failed. An activity repeats most of its calls by itself, so the engine rarely does.
var retryPolicy = workflow.RetryPolicy{
	MaxAttempts: 100, InitialRetryInterval: time.Second, BackoffCoefficient: 2, MaxRetryInterval: LongestSleep,
}

// call calls an activity and waits for its outcome. The engine numbers the activities of a replaced instance and of its
// replacement alike. So the replacement may get an outcome of the replaced instance. That outcome has another Run or none, and
// call calls the activity again. A late failure has no Run and costs one try.
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
