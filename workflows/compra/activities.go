package compra

import (
	"context"
	"time"

	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// The names under which the engine knows the workflow and its activities. Instances in flight hold them: they stay.
const (
	CompraName      = "Compra"
	DespachoName    = "Despacho"
	CancelacionName = "Cancelacion"

	askName      = "Preguntar"
	aprobarName  = "PedirAprobacion"
	decisionName = "LeerDecision"
	undoName     = "Deshacer"
	closeName    = "Cerrar"
	finishName   = "TerminarTramite"

	// DecisionEvent wakes a workflow that waits for an approval. It carries nothing: the decision's row says what was decided.
	DecisionEvent = "decision"
)

// Entrada is the workflow's input: the purchase, and the settings as they were when it started.
type Input struct {
	Compra   contracts.SolicitudCompra `json:"compra"`
	Settings Settings                  `json:"ajustes"`
	Version  int                       `json:"version,omitempty"`  // of the table of steps, when the workflow started
	Motivo   string                    `json:"motivo,omitempty"`   // of a Cancelacion
	Resumed  *compensation             `json:"retomada,omitempty"` // set by ContinueAsNew in the middle of a compensation
	// Run names this start of an instance that replaces another under the same id; empty for the first. Activities echo it,
	// so that the outcome of an activity of the replaced instance is told from one of this run: docs/adr/stalled-sagas.md.
	Run string `json:"run,omitempty"`
}

// Settings are the settings that the saga decides by. They are in the input, never read while it runs.
type Settings struct {
	AprobacionThreshold  int           `json:"umbral_aprobacion"`  // more units than this need an operator's approval
	AprobacionDeadline   time.Duration `json:"plazo_aprobacion"`   // after which an approval has expired
	CompensationDeadline time.Duration `json:"plazo_compensacion"` // after which a compensation that is not confirmed is an alarm

	// CompensationDelay is the first wait after a rollback that was not confirmed, then doubling up to LongestSleep; firstSleep when it is 0.
	CompensationDelay time.Duration `json:"espera_compensacion,omitempty"`
}

// RequiresAprobacion tells that an operator has to look at the purchase first.
func (e Input) RequiresAprobacion() bool {
	return e.Compra.Unidades() > e.Settings.AprobacionThreshold
}

// Question is one step: the state that the purchase enters, and the command whose answer it waits for.
type Question struct {
	Compra  contracts.SolicitudCompra `json:"compra"`
	Comando contracts.MessageType     `json:"comando"`
	Accepts contracts.MessageType     `json:"acepta"`          // the reply that lets it go on; any other refuses
	Enters  contracts.Estado          `json:"entra,omitempty"` // entered with the question, in one transaction
	From    []contracts.Estado        `json:"desde,omitempty"` // from where it may be entered
	En      []contracts.Estado        `json:"en"`              // where the question may be asked: Enters, and what comes between
	To      contracts.Estado          `json:"al,omitempty"`    // the state that an accepting reply brings with it
	// Cancelable: somebody's wish to cancel is looked at before the question is asked, and before To is entered.
	Cancelable bool `json:"cancelable,omitempty"`
}

// Rollback is one thing to undo. The first one takes the purchase to COMPENSANDO.
type Rollback struct {
	Compra  contracts.SolicitudCompra `json:"compra"`
	Comando contracts.MessageType     `json:"comando"`
	Motivo  string                    `json:"motivo"`
	Cause   contracts.MessageType     `json:"causa"` // the message because of which all is undone
	From    []contracts.Estado        `json:"desde"` // from where the purchase may enter COMPENSANDO
}

// Ending is how a walk that stopped early ends.
type Ending struct {
	IDCompra  string                `json:"id_compra"`
	Estado    contracts.Estado      `json:"estado"`
	Motivo    string                `json:"motivo"`            // the purchase's reason from now on; empty: it keeps the one that it has
	Detalle   string                `json:"detalle,omitempty"` // what the history tells; empty: Motivo
	Faltantes []contracts.Faltante  `json:"faltantes,omitempty"`
	IDOrden   string                `json:"id_orden,omitempty"`
	Cause     contracts.MessageType `json:"causa"` // the message behind it
	From      []contracts.Estado    `json:"desde"` // from where that state may be entered
}

// Tramite is something that a person began for a purchase that is confirmed, and that has come to its end.
type Tramite struct {
	IDCompra string `json:"id_compra"`
	Tipo     string `json:"tipo"`
	Hecho    bool   `json:"hecho"` // else it was refused
	Motivo   string `json:"motivo,omitempty"`
}

// The kinds of Tramite. Each is a workflow of its own, under the purchase's id and the kind.
const (
	TramiteDespacho    = "despacho"
	TramiteCancelacion = "cancelacion"
)

// WorkflowOf is the name and the id of the workflow of a purchase: of the saga itself where tramite is empty, else of that Tramite.
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

// IDTramite is the id of the workflow.
func IDTramite(idCompra, kind string) string { return idCompra + "-" + kind }

// DecisionReading asks what was decided about a purchase that awaits approval.
type DecisionReading struct {
	IDCompra string `json:"id_compra"`
	Expired  bool   `json:"vencida"` // the time is up: unless something was decided, it is "expirada" now
}

// Result is how a step ended. Refusals are results, never errors: an error is trouble, and is tried again.
type Result string

// The results.
const (
	Aceptada  Result = "aceptada"
	Refused   Result = "rechazada"     // the participant refused, finally
	Cancelled Result = "cancelada"     // somebody asked to cancel the purchase
	NoReply   Result = "sin-respuesta" // patience ran out: whether it was done is in doubt
	Pendiente Result = "pendiente"     // nothing is decided yet
	Finished  Result = "terminada"     // the purchase is not in a state for this step: there is nothing to do
)

// Outcome is the outcome of a step.
type Outcome struct {
	Result    Result                `json:"resultado"`
	Asked     bool                  `json:"preguntada"` // the command was sent, so the step may have been done
	Reply     contracts.MessageType `json:"respuesta,omitempty"`
	Motivo    string                `json:"motivo,omitempty"`
	IDOrden   string                `json:"id_orden,omitempty"`
	Faltantes []contracts.Faltante  `json:"faltantes,omitempty"`
}

// Activities is what the saga does to the world. Each may run more than once and must come to the same.
type Activities interface {
	// Ask records the state and the question, sends the command and waits for its reply.
	Ask(ctx context.Context, p Question) (Outcome, error)
	// AskForAprobacion takes the purchase to POR_APROBAR: Pendiente, Cancelled or Finished.
	AskForAprobacion(ctx context.Context, c contracts.SolicitudCompra) (Outcome, error)
	// ReadDecision tells what was decided: Aceptada, Refused (also when it expired), Cancelled or Pendiente.
	ReadDecision(ctx context.Context, l DecisionReading) (Outcome, error)
	// Undo sends a rollback and waits a while for its confirmation: Aceptada, Refused (the order has left, ordenes
	// says) or NoReply, with the Reply where there was one that cannot be.
	Undo(ctx context.Context, r Rollback) (Outcome, error)
	// Close records how a walk that stopped early ends.
	Close(ctx context.Context, c Ending) error
	// FinishTramite records that a Tramite has come to its end.
	FinishTramite(ctx context.Context, t Tramite) error
}

// Register makes the saga known to an engine, with a doing its work.
func Register(r *workflow.Registry, a Activities) error {
	for name, w := range map[string]workflow.Workflow{
		CompraName: Compra, DespachoName: Despacho, CancelacionName: Cancelacion,
	} {
		if err := r.AddWorkflowN(name, w); err != nil {
			return err
		}
	}
	for name, activity := range map[string]workflow.Activity{
		askName:      asActivity(a.Ask),
		aprobarName:  asActivity(a.AskForAprobacion),
		decisionName: asActivity(a.ReadDecision),
		undoName:     asActivity(a.Undo),
		closeName:    asActivity(withoutOutput(a.Close)),
		finishName:   asActivity(withoutOutput(a.FinishTramite)),
	} {
		if err := r.AddActivityN(name, activity); err != nil {
			return err
		}
	}
	return nil
}

// enveloped is the input or the output of an activity that belongs to a named run.
type enveloped[T any] struct {
	Run  string `json:"run,omitempty"`
	Body T      `json:"body"`
}

// asActivity makes f an activity. What a named run sends and gets is enveloped with the run's name.
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
