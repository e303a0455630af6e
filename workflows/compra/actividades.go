package compra

import (
	"context"
	"time"

	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// The names under which the engine knows the workflow and its activities. Instances in flight hold them: they stay.
const (
	NombreCompra      = "Compra"
	NombreDespacho    = "Despacho"
	NombreCancelacion = "Cancelacion"

	nombrePreguntar = "Preguntar"
	nombreAprobar   = "PedirAprobacion"
	nombreDecision  = "LeerDecision"
	nombreDeshacer  = "Deshacer"
	nombreCerrar    = "Cerrar"
	nombreTerminar  = "TerminarTramite"

	// EventoDecision wakes a workflow that waits for an approval. It carries nothing: the decision's row says what was decided.
	EventoDecision = "decision"
)

// Entrada is the workflow's input: the purchase, and the settings as they were when it started.
type Entrada struct {
	Compra   contracts.SolicitudCompra `json:"compra"`
	Ajustes  Ajustes                   `json:"ajustes"`
	Version  int                       `json:"version,omitempty"`  // of the table of steps, when the workflow started
	Motivo   string                    `json:"motivo,omitempty"`   // of a Cancelacion
	Retomada *compensacion             `json:"retomada,omitempty"` // set by ContinueAsNew in the middle of a compensation
	// Run names this start of an instance that replaces another under the same id; empty for the first. Activities echo it,
	// so that the outcome of an activity of the replaced instance is told from one of this run: docs/adr/stalled-sagas.md.
	Run string `json:"run,omitempty"`
}

// Ajustes are the settings that the saga decides by. They are in the input, never read while it runs.
type Ajustes struct {
	UmbralAprobacion  int           `json:"umbral_aprobacion"`  // more units than this need an operator's approval
	PlazoAprobacion   time.Duration `json:"plazo_aprobacion"`   // after which an approval has expired
	PlazoCompensacion time.Duration `json:"plazo_compensacion"` // after which a compensation that is not confirmed is an alarm

	// EsperaCompensacion is the first wait after a rollback that was not confirmed, then doubling up to LongestSleep; firstSleep when it is 0.
	EsperaCompensacion time.Duration `json:"espera_compensacion,omitempty"`
}

// RequiereAprobacion tells that an operator has to look at the purchase first.
func (e Entrada) RequiereAprobacion() bool {
	return e.Compra.Unidades() > e.Ajustes.UmbralAprobacion
}

// Pregunta is one step: the state that the purchase enters, and the command whose answer it waits for.
type Pregunta struct {
	Compra  contracts.SolicitudCompra `json:"compra"`
	Comando contracts.Tipo            `json:"comando"`
	Acepta  contracts.Tipo            `json:"acepta"`          // the reply that lets it go on; any other refuses
	Entra   contracts.Estado          `json:"entra,omitempty"` // entered with the question, in one transaction
	Desde   []contracts.Estado        `json:"desde,omitempty"` // from where it may be entered
	En      []contracts.Estado        `json:"en"`              // where the question may be asked: Entra, and what comes between
	Al      contracts.Estado          `json:"al,omitempty"`    // the state that an accepting reply brings with it
	// Cancelable: somebody's wish to cancel is looked at before the question is asked, and before Al is entered.
	Cancelable bool `json:"cancelable,omitempty"`
}

// Rollback is one thing to undo. The first one takes the purchase to COMPENSANDO.
type Rollback struct {
	Compra  contracts.SolicitudCompra `json:"compra"`
	Comando contracts.Tipo            `json:"comando"`
	Motivo  string                    `json:"motivo"`
	Causa   contracts.Tipo            `json:"causa"` // the message because of which all is undone
	Desde   []contracts.Estado        `json:"desde"` // from where the purchase may enter COMPENSANDO
}

// Cierre is how a walk that stopped early ends.
type Cierre struct {
	IDCompra  string               `json:"id_compra"`
	Estado    contracts.Estado     `json:"estado"`
	Motivo    string               `json:"motivo"`            // the purchase's reason from now on; empty: it keeps the one that it has
	Detalle   string               `json:"detalle,omitempty"` // what the history tells; empty: Motivo
	Faltantes []contracts.Faltante `json:"faltantes,omitempty"`
	IDOrden   string               `json:"id_orden,omitempty"`
	Causa     contracts.Tipo       `json:"causa"` // the message behind it
	Desde     []contracts.Estado   `json:"desde"` // from where that state may be entered
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
		return NombreDespacho, IDTramite(idCompra, tramite)
	case TramiteCancelacion:
		return NombreCancelacion, IDTramite(idCompra, tramite)
	default:
		return NombreCompra, idCompra
	}
}

// IDTramite is the id of the workflow.
func IDTramite(idCompra, tipo string) string { return idCompra + "-" + tipo }

// LecturaDecision asks what was decided about a purchase that awaits approval.
type LecturaDecision struct {
	IDCompra string `json:"id_compra"`
	Vencida  bool   `json:"vencida"` // the time is up: unless something was decided, it is "expirada" now
}

// Resultado is how a step ended. Refusals are results, never errors: an error is trouble, and is tried again.
type Resultado string

// The results.
const (
	Aceptada     Resultado = "aceptada"
	Rechazada    Resultado = "rechazada"     // the participant refused, finally
	Cancelada    Resultado = "cancelada"     // somebody asked to cancel the purchase
	SinRespuesta Resultado = "sin-respuesta" // patience ran out: whether it was done is in doubt
	Pendiente    Resultado = "pendiente"     // nothing is decided yet
	Terminada    Resultado = "terminada"     // the purchase is not in a state for this step: there is nothing to do
)

// Desenlace is the outcome of a step.
type Desenlace struct {
	Resultado  Resultado            `json:"resultado"`
	Preguntada bool                 `json:"preguntada"` // the command was sent, so the step may have been done
	Respuesta  contracts.Tipo       `json:"respuesta,omitempty"`
	Motivo     string               `json:"motivo,omitempty"`
	IDOrden    string               `json:"id_orden,omitempty"`
	Faltantes  []contracts.Faltante `json:"faltantes,omitempty"`
}

// Actividades is what the saga does to the world. Each may run more than once and must come to the same.
type Actividades interface {
	// Preguntar records the state and the question, sends the command and waits for its reply.
	Preguntar(ctx context.Context, p Pregunta) (Desenlace, error)
	// PedirAprobacion takes the purchase to POR_APROBAR: Pendiente, Cancelada or Terminada.
	PedirAprobacion(ctx context.Context, c contracts.SolicitudCompra) (Desenlace, error)
	// LeerDecision tells what was decided: Aceptada, Rechazada (also when it expired), Cancelada or Pendiente.
	LeerDecision(ctx context.Context, l LecturaDecision) (Desenlace, error)
	// Deshacer sends a rollback and waits a while for its confirmation: Aceptada, Rechazada (the order has left, ordenes
	// says) or SinRespuesta, with the Respuesta where there was one that cannot be.
	Deshacer(ctx context.Context, r Rollback) (Desenlace, error)
	// Cerrar records how a walk that stopped early ends.
	Cerrar(ctx context.Context, c Cierre) error
	// TerminarTramite records that a Tramite has come to its end.
	TerminarTramite(ctx context.Context, t Tramite) error
}

// Registrar makes the saga known to an engine, with a doing its work.
func Registrar(r *workflow.Registry, a Actividades) error {
	for nombre, w := range map[string]workflow.Workflow{
		NombreCompra: Compra, NombreDespacho: Despacho, NombreCancelacion: Cancelacion,
	} {
		if err := r.AddWorkflowN(nombre, w); err != nil {
			return err
		}
	}
	for nombre, actividad := range map[string]workflow.Activity{
		nombrePreguntar: comoActividad(a.Preguntar),
		nombreAprobar:   comoActividad(a.PedirAprobacion),
		nombreDecision:  comoActividad(a.LeerDecision),
		nombreDeshacer:  comoActividad(a.Deshacer),
		nombreCerrar:    comoActividad(sinSalida(a.Cerrar)),
		nombreTerminar:  comoActividad(sinSalida(a.TerminarTramite)),
	} {
		if err := r.AddActivityN(nombre, actividad); err != nil {
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

// comoActividad makes f an activity. What a named run sends and gets is enveloped with the run's name.
func comoActividad[E, S any](f func(context.Context, E) (S, error)) workflow.Activity {
	return func(ctx workflow.ActivityContext) (any, error) {
		var named enveloped[E]
		if err := ctx.GetInput(&named); err != nil {
			return nil, err
		}
		if named.Run != "" {
			out, err := f(ctx.Context(), named.Body)
			return enveloped[S]{named.Run, out}, err
		}
		var entrada E
		if err := ctx.GetInput(&entrada); err != nil {
			return nil, err
		}
		return f(ctx.Context(), entrada)
	}
}

func sinSalida[E any](f func(context.Context, E) error) func(context.Context, E) (any, error) {
	return func(ctx context.Context, entrada E) (any, error) { return nil, f(ctx, entrada) }
}
