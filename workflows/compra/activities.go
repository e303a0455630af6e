package compra

import (
	"context"
	"time"

	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// The names under which the engine knows the workflows and the activities. Instances in flight hold these names, so no name may
// change after a release.
const (
	CompraName      = "Compra"
	DespachoName    = "Despacho"
	CancelacionName = "Cancelacion"

	askName        = "Ask"
	aprobacionName = "AskForAprobacion"
	decisionName   = "ReadDecision"
	undoName       = "Undo"
	closeName      = "Close"
	finishName     = "FinishTramite"

	// DecisionEvent wakes a workflow that waits for an approval. It carries no data: the row of the decision has the data.
	DecisionEvent = "decision"
)

// Input is the input of each workflow: the purchase without its address, and the settings at the time when the workflow started.
type Input struct {
	Compra   contracts.SolicitudCompra `json:"compra"`
	Settings Settings                  `json:"settings"`
	Version  int                       `json:"version,omitempty"` // the Version of the table of steps when the workflow started
	Motivo   string                    `json:"motivo,omitempty"`  // the reason of a Cancelacion
	Resumed  *compensation             `json:"resumed,omitempty"` // set by ContinueAsNew in the middle of a compensation
	// Run is the name of an instance that replaces another under the same id; the first instance has none. Each activity
	// returns the name. So the workflow can ignore the outcome of an activity of the replaced instance: docs/adr/stalled-sagas.md.
	Run string `json:"run,omitempty"`
}

// Settings are the settings that the saga needs for its decisions. They are part of the input: a workflow never reads the environment.
type Settings struct {
	AprobacionThreshold  int           `json:"approval_threshold"`    // a purchase of more units needs the approval of an operator
	AprobacionDeadline   time.Duration `json:"approval_deadline"`     // how long the saga waits for an approval
	CompensationDeadline time.Duration `json:"compensation_deadline"` // how long the saga tries to undo; then the purchase is FALLIDA

	// CompensationDelay is the wait before the second try of a rollback; each further wait is twice as long, up to LongestSleep.
	// Zero stands for firstSleep.
	CompensationDelay time.Duration `json:"compensation_delay,omitempty"`
}

// RequiresAprobacion reports whether an operator must approve the purchase.
func (e Input) RequiresAprobacion() bool {
	return e.Compra.Unidades() > e.Settings.AprobacionThreshold
}

// Question is the input of Ask: the command of a step, and the states before and after it.
type Question struct {
	Compra  contracts.SolicitudCompra `json:"compra"`
	Command contracts.MessageType     `json:"command"`
	Accepts contracts.MessageType     `json:"accepts"`          // the reply that accepts; any other reply refuses
	Enters  contracts.Estado          `json:"enters,omitempty"` // the state that the purchase enters in the transaction that records the question
	From    []contracts.Estado        `json:"from,omitempty"`   // the states from which the purchase may enter Enters
	In      []contracts.Estado        `json:"in"`               // the states in which the command may be sent: Enters, and those that may follow it
	To      contracts.Estado          `json:"to,omitempty"`     // the state that the purchase enters with the reply that accepts
	// Cancelable says that a request to cancel stops the step before the command is sent, and before the purchase enters To.
	Cancelable bool `json:"cancelable,omitempty"`
}

// Rollback is the input of Undo: the command that undoes one step. The first rollback takes the purchase to COMPENSANDO.
type Rollback struct {
	Compra  contracts.SolicitudCompra `json:"compra"`
	Command contracts.MessageType     `json:"command"`
	Motivo  string                    `json:"motivo"`
	Cause   contracts.MessageType     `json:"cause"` // the message that is the reason for the compensation
	From    []contracts.Estado        `json:"from"`  // the states from which the purchase may enter COMPENSANDO
}

// Ending is the input of Close: the last state of a purchase that was not confirmed in the usual way.
type Ending struct {
	IDCompra  string                `json:"id_compra"`
	Estado    contracts.Estado      `json:"estado"`
	Motivo    string                `json:"motivo"`            // the new reason of the purchase; the purchase keeps its reason where this is empty
	Detalle   string                `json:"detalle,omitempty"` // the text for the history; Motivo where this is empty
	Faltantes []contracts.Faltante  `json:"faltantes,omitempty"`
	IDOrden   string                `json:"id_orden,omitempty"`
	Cause     contracts.MessageType `json:"cause"` // the message that is the reason for Estado
	From      []contracts.Estado    `json:"from"`  // the states from which the purchase may enter Estado
}

// Tramite is the input of FinishTramite: the end of a dispatch or a cancellation of a confirmed purchase.
type Tramite struct {
	IDCompra string `json:"id_compra"`
	Tipo     string `json:"tipo"`
	Done     bool   `json:"done"` // false: it was refused
	Motivo   string `json:"motivo,omitempty"`
}

// The kinds of Tramite. Each is a workflow; IDTramite has its id.
const (
	TramiteDespacho    = "despacho"
	TramiteCancelacion = "cancelacion"
)

// WorkflowOf returns the name and the id of a workflow of a purchase: of the saga where tramite is empty, else of that kind of Tramite.
func WorkflowOf(idCompra, tramite string) (name, id string) {
	switch tramite {
	case TramiteDespacho:
		return DespachoName, IDTramite(idCompra, tramite)
	case TramiteCancelacion:
		return CancelacionName, IDTramite(idCompra, tramite)
	default:
		return CompraName, idCompra
	}
}

// IDTramite returns the id of the workflow of a Tramite of the given kind.
func IDTramite(idCompra, kind string) string { return idCompra + "-" + kind }

// DecisionReading is the input of ReadDecision.
type DecisionReading struct {
	IDCompra string `json:"id_compra"`
	Expired  bool   `json:"expired"` // the deadline has passed: without a decision, the decision is "expirada"
}

// Result says how a step ended. A refusal is a result. An error is a fault, and the engine tries the activity again.
type Result string

// The results.
const (
	Accepted  Result = "accepted"
	Refused   Result = "refused"   // the participant refused, and will not change its answer
	Cancelled Result = "cancelled" // there is a request to cancel the purchase
	NoReply   Result = "no-reply"  // no reply came in time: the step may have been done or not
	Pending   Result = "pending"   // there is no decision yet
	Finished  Result = "finished"  // the purchase is past this step: there is nothing to do
)

// Outcome is the output of an activity that does a step.
type Outcome struct {
	Result    Result                `json:"result"`
	Asked     bool                  `json:"asked"` // the command was sent: the step may have been done
	Reply     contracts.MessageType `json:"reply,omitempty"`
	Motivo    string                `json:"motivo,omitempty"`
	IDOrden   string                `json:"id_orden,omitempty"`
	Faltantes []contracts.Faltante  `json:"faltantes,omitempty"`
}

// Activities are the effects of the workflows on the world. The engine may run an activity more than once, so each must be idempotent.
type Activities interface {
	// Ask records the state and the question, sends the command, and waits for the reply.
	Ask(ctx context.Context, p Question) (Outcome, error)
	// AskForAprobacion takes the purchase to POR_APROBAR. The result is Pending, Cancelled or Finished.
	AskForAprobacion(ctx context.Context, c contracts.SolicitudCompra) (Outcome, error)
	// ReadDecision reads the decision. The result is Accepted, Refused (also after the deadline), Cancelled or Pending.
	ReadDecision(ctx context.Context, l DecisionReading) (Outcome, error)
	// Undo sends a rollback and waits for its confirmation. The result is Accepted, Refused (ordenes says that the order has
	// left) or NoReply. If the participant sent a refusal that the rollback does not allow, the result is NoReply and the outcome
	// has the Reply.
	Undo(ctx context.Context, r Rollback) (Outcome, error)
	// Close records the last state of a purchase that was not confirmed in the usual way.
	Close(ctx context.Context, c Ending) error
	// FinishTramite records the end of a Tramite.
	FinishTramite(ctx context.Context, t Tramite) error
}

// Register adds the workflows to r, and the methods of a as their activities.
func Register(r *workflow.Registry, a Activities) error {
	for name, w := range map[string]workflow.Workflow{
		CompraName: Compra, DespachoName: Despacho, CancelacionName: Cancelacion,
	} {
		if err := r.AddWorkflowN(name, w); err != nil {
			return err
		}
	}
	for name, activity := range map[string]workflow.Activity{
		askName:        asActivity(a.Ask),
		aprobacionName: asActivity(a.AskForAprobacion),
		decisionName:   asActivity(a.ReadDecision),
		undoName:       asActivity(a.Undo),
		closeName:      asActivity(withoutOutput(a.Close)),
		finishName:     asActivity(withoutOutput(a.FinishTramite)),
	} {
		if err := r.AddActivityN(name, activity); err != nil {
			return err
		}
	}
	return nil
}

// enveloped is the input or the output of an activity, with the name of the run that called it.
type enveloped[T any] struct {
	Run  string `json:"run,omitempty"`
	Body T      `json:"body"`
}

// asActivity makes an activity of f. If the run that calls it has a name, the activity takes and returns enveloped values. Otherwise
// it takes and returns plain values.
func asActivity[E, S any](f func(context.Context, E) (S, error)) workflow.Activity {
	return func(ctx workflow.ActivityContext) (any, error) {
		var named enveloped[E]
		if err := ctx.GetInput(&named); err != nil {
			return nil, err
		}
		if named.Run != "" {
			out, err := f(ctx.Context(), named.Body)
			return enveloped[S]{named.Run, out}, err
		}
		var input E
		if err := ctx.GetInput(&input); err != nil {
			return nil, err
		}
		return f(ctx.Context(), input)
	}
}

func withoutOutput[E any](f func(context.Context, E) error) func(context.Context, E) (any, error) {
	return func(ctx context.Context, input E) (any, error) { return nil, f(ctx, input) }
}
