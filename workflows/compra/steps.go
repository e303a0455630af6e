package compra

import (
	"cmp"
	"slices"

	"entregas/contracts"
)

// Step is one command that the saga sends, the replies to it, and its rollback. contracts.Topics has the topic of each message,
// and with it the participant. All other code that depends on the steps reads the tables Steps and contracts.Topics:
// docs/adr/one-table-of-steps.md.
type Step struct {
	Workflow string                // the workflow that sends the command
	Since    int                   // the first Version with the step; 0 stands for 1
	Command  contracts.MessageType // the participant is the reader of its topic
	Accepted Reply                 // the reply after which the workflow goes on
	Refused  []Reply               // the replies that refuse

	Enters     contracts.Estado      // the state that the purchase enters with the command; empty where its state does not change
	Cause      contracts.MessageType // the message that the history has as the reason for that state
	From       []contracts.Estado    // the states from which the purchase may enter Enters
	In         []contracts.Estado    // the states in which the command may be sent
	Then       contracts.Estado      // the state that the purchase enters with the reply Accepted
	Approved   bool                  // the approval of a large purchase comes before this step
	Direccion  bool                  // the command carries the address of the purchase, which no input of a workflow has
	Cancelable bool                  // a request to cancel stops the step before the command is sent, and before the purchase enters Then

	Undo Undo // zero where the step has no rollback
	Words
}

// Undo is the rollback of a step.
type Undo struct {
	Command   contracts.MessageType
	Confirmed Reply   // the reply that confirms the rollback
	Refused   []Reply // the replies that refuse; the history tells a refusal, and the saga sends the rollback again

	// Dispatched is the refusal that says that the order has left the warehouse. It ends the compensation, and the purchase is
	// CONFIRMADA. Only ordenes knows this fact (docs/adr/who-owns-a-fact-decides.md), so only its step has the field. That step
	// is the last of the saga: its rollback is the first, and no other step is undone yet.
	Dispatched Reply

	Title string // the title of the confirmed rollback in the timeline of a purchase
}

// Reply is a reply of a participant.
type Reply struct {
	Type      contracts.MessageType
	Detail    string   // the text about the reply in the history, for a customer
	Order     Presence // of the order's id in the reply
	Faltantes Presence // of the missing products in the reply
	Importes  Presence // of the amounts of the purchase in the reply
}

// Presence says whether a reply has a field.
type Presence int

// The values of Presence.
const (
	Never Presence = iota
	May
	Must
)

// Words are the Spanish texts about a step.
type Words struct {
	Detail  string // for the history, where Cause is the command itself
	State   string // the name of the state Enters
	Title   string // the title of that state in the timeline of a purchase
	Summary string // one sentence about a purchase in that state
	Doing   string // for the timeline, while the saga waits for the reply
}

// Replies to more than one command.
var (
	reservaRechazada  = Reply{Type: contracts.ReservaRechazada, Faltantes: May, Detail: "No se pudieron reservar los productos."}
	reservaDespachada = Reply{Type: contracts.ReservaDespachada, Detail: "Salió de la bodega."}
)

// Inventario asks consolidador whether there is enough stock of each product, and what the purchase costs.
var Inventario = Step{
	Workflow: CompraName, Command: contracts.ValidarInventario,
	Accepted: Reply{Type: contracts.InventarioValidado, Importes: May, Detail: "Hay existencias de todo."},
	Refused: []Reply{
		{Type: contracts.InventarioInsuficiente, Faltantes: Must, Detail: "No hay existencias suficientes."},
		{Type: contracts.TotalExcedido, Detail: "Su valor pasa de lo que puede costar una compra. Divídala en varias."},
	},

	Enters: contracts.EstadoIniciada, Cause: contracts.ValidarInventario, Cancelable: true,
	From: inAnyOf(contracts.EstadoRecibida), In: inAnyOf(contracts.EstadoIniciada),

	Undo: Undo{
		Command:   contracts.CancelarValidacionInventario,
		Confirmed: Reply{Type: contracts.ValidacionCancelada, Detail: "La validación quedó cancelada."},
		Title:     "Se canceló la revisión de existencias",
	},
	Words: Words{
		Detail: "Empezamos a prepararla.", State: "Iniciada", Title: "En preparación",
		Summary: "Estamos revisando que haya de todo.", Doing: "Revisando las existencias",
	},
}

// Reserva asks admin-productos to reserve the products for the purchase.
var Reserva = Step{
	Workflow: CompraName, Command: contracts.ReservarProducto,
	Accepted: Reply{Type: contracts.ProductosReservados, Detail: "Los productos quedaron reservados."},
	Refused:  []Reply{reservaRechazada},

	Enters: contracts.EstadoProductosValidos, Cause: contracts.InventarioValidado, Cancelable: true,
	From: inAnyOf(contracts.EstadoIniciada), In: inAnyOf(contracts.EstadoProductosValidos),

	Undo: Undo{
		Command:   contracts.LiberarReserva,
		Confirmed: Reply{Type: contracts.ReservaLiberada, Detail: "Los productos volvieron al inventario."},
		Refused:   []Reply{reservaDespachada}, // admin-productos does not know that the order was cancelled
		Title:     "Se devolvieron los productos",
	},
	Words: Words{
		State: "Con existencias", Title: "Hay de todo",
		Summary: "Hay de todo. Lo estamos apartando.", Doing: "Apartando los productos",
	},
}

// Orden asks ordenes to create the order. With the order the purchase is CONFIRMADA.
var Orden = Step{
	Workflow: CompraName, Command: contracts.CrearOrden,
	Accepted: Reply{Type: contracts.OrdenCreada, Order: Must, Detail: "La orden quedó creada."},
	Refused:  []Reply{{Type: contracts.OrdenRechazada, Detail: "No se pudo crear la orden."}},

	Enters: contracts.EstadoProductosReservados, Cause: contracts.ProductosReservados, Cancelable: true,
	From: inAnyOf(contracts.EstadoProductosValidos), In: inAnyOf(contracts.EstadoProductosReservados, contracts.EstadoPorAprobar),
	Then: contracts.EstadoConfirmada, Approved: true, Direccion: true,

	Undo: Undo{
		Command:    contracts.CancelarOrden,
		Confirmed:  Reply{Type: contracts.OrdenCancelada, Order: May, Detail: "La orden quedó cancelada."},
		Dispatched: Reply{Type: contracts.OrdenDespachada, Order: Must, Detail: "La orden salió de la bodega."},
		Title:      "Se canceló la orden",
	},
	Words: Words{
		State: "Reservada", Title: "Productos reservados",
		Summary: "Sus productos están apartados. Creamos la orden.", Doing: "Creando la orden",
	},
}

// Salida tells admin-productos that the reserved units have left the warehouse. With the reply the purchase is DESPACHADA.
var Salida = Step{
	Workflow: DespachoName, Command: contracts.DespacharReserva,
	Accepted: reservaDespachada,
	Refused:  []Reply{reservaRechazada}, // when: docs/adr/a-reservation-asked-out-of-order.md
	In:       inAnyOf(contracts.EstadoConfirmada), Then: contracts.EstadoDespachada,
}

// Anulacion is the first step of the cancellation of a CONFIRMADA purchase: the rollback of Orden. The other rollbacks follow it.
var Anulacion = Step{
	Workflow: CancelacionName, Command: Orden.Undo.Command,
	Accepted: Orden.Undo.Confirmed, Refused: []Reply{Orden.Undo.Dispatched},
	In: inAnyOf(contracts.EstadoConfirmada),
}

// Steps are all steps. The steps of the saga have the Workflow CompraName, and are in the order of the saga.
var Steps = []Step{Inventario, Reserva, Orden, Salida, Anulacion}

// Question returns the input of the activity Ask for the step and the purchase c.
func (s Step) Question(c contracts.SolicitudCompra) Question {
	return Question{
		Compra: c, Command: s.Command, Accepts: s.Accepted.Type,
		Enters: s.Enters, From: s.From, In: s.In, To: s.Then, Cancelable: s.Cancelable,
	}
}

// Version is the version of the table: the highest Since of a step. A workflow keeps the version with which it started, or its
// history would not replay. So a workflow that is in flight does not do a step that was added later.
var Version = slices.MaxFunc(Steps, func(a, b Step) int { return cmp.Compare(a.Since, b.Since) }).since()

func (s Step) since() int { return max(1, s.Since) }

// partOf reports whether a version of the table has the step. Version 0 counts as 1, the version of a workflow that names none.
func (s Step) partOf(version int) bool { return s.since() <= max(1, version) }

// InFlight are the states of a purchase whose saga has not ended, in the order of the saga.
var InFlight = inFlight()

func inFlight() []contracts.Estado {
	states := inAnyOf(contracts.EstadoRecibida)
	for _, s := range Saga() {
		if s.Enters != "" {
			states = append(states, s.Enters)
		}
		if s.Approved { // the purchase enters the state of the step, and then awaits the approval
			states = append(states, contracts.EstadoPorAprobar)
		}
	}
	return states
}

// IsPast reports whether a purchase in estado has gone beyond all of the states, in the order of the saga. It reports false where
// states is empty, and where estado or one of the states is not in InFlight.
func IsPast(estado contracts.Estado, states []contracts.Estado) bool {
	now := slices.Index(InFlight, estado)
	return now >= 0 && len(states) > 0 && !slices.ContainsFunc(states, func(s contracts.Estado) bool {
		at := slices.Index(InFlight, s)
		return at < 0 || at >= now
	})
}

// Entered returns the states that a purchase enters with the steps of the saga, in the order of the steps.
func Entered() []contracts.Estado {
	var states []contracts.Estado
	for _, s := range Saga() {
		if s.Enters != "" {
			states = append(states, s.Enters)
		}
	}
	return states
}

// Saga returns the steps of the saga, in the order of the saga.
func Saga() []Step {
	return slices.DeleteFunc(slices.Clone(Steps), func(s Step) bool { return s.Workflow != CompraName })
}

// rollbacks returns the rollbacks of the steps of the saga before the step with the command before, in the order of the steps.
// Where before is empty, it returns the rollbacks of all steps. It leaves out the steps that the version does not have.
func rollbacks(before contracts.MessageType, version int) []contracts.MessageType {
	var commands []contracts.MessageType
	for _, s := range Saga() {
		if s.Command == before {
			break
		}
		if s.Undo.Command != "" && s.partOf(version) {
			commands = append(commands, s.Undo.Command)
		}
	}
	return commands
}

// AfterApproval returns the step that follows the approval of a large purchase.
func AfterApproval() Step {
	saga := Saga()
	return saga[slices.IndexFunc(saga, func(s Step) bool { return s.Approved })]
}

// StepOf returns the step with the given command. It returns a zero Step where there is none, as for most rollbacks.
func StepOf(command contracts.MessageType) Step {
	for _, s := range Steps {
		if s.Command == command {
			return s
		}
	}
	return Step{}
}

// UndoOf returns the rollback with the given command. It returns a zero Undo where the command is not a rollback.
func UndoOf(command contracts.MessageType) Undo {
	for _, s := range Steps {
		if s.Undo.Command == command {
			return s.Undo
		}
	}
	return Undo{}
}

// Dispatched reports whether the reply to a rollback says that the order has left the warehouse.
func Dispatched(rollback, reply contracts.MessageType) bool {
	return reply != "" && UndoOf(rollback).Dispatched.Type == reply
}

// TroubleUndoing reports whether the command is a rollback and the reply refuses it for another reason than a dispatched order. A
// participant may not do so, and the saga sends the rollback again.
func TroubleUndoing(command, reply contracts.MessageType) bool {
	u := UndoOf(command)
	return u.Command != "" && reply != "" && reply != u.Confirmed.Type && !Dispatched(command, reply)
}

// Commands returns the commands and the rollbacks of all steps, each once.
func Commands() []contracts.MessageType {
	var commands []contracts.MessageType
	for _, s := range Steps {
		for _, c := range []contracts.MessageType{s.Command, s.Undo.Command} {
			if c != "" && !slices.Contains(commands, c) {
				commands = append(commands, c)
			}
		}
	}
	return commands
}

// Replies returns the possible replies to a command.
func Replies(command contracts.MessageType) []Reply {
	if u := UndoOf(command); u.Command != "" {
		all := append([]Reply{u.Confirmed}, u.Refused...)
		if u.Dispatched.Type != "" {
			all = append(all, u.Dispatched)
		}
		return all
	}
	s := StepOf(command)
	if s.Command == "" {
		return nil
	}
	return append([]Reply{s.Accepted}, s.Refused...)
}

// ReplyOf returns the reply of type t. It returns a zero Reply where no command has such a reply.
func ReplyOf(t contracts.MessageType) Reply {
	for _, c := range Commands() {
		for _, r := range Replies(c) {
			if r.Type == t {
				return r
			}
		}
	}
	return Reply{}
}

// requests has the texts for the history about the messages that begin a saga or ask for its end, and about the erasure of its data.
var requests = map[contracts.MessageType]string{
	contracts.CrearCompra:    "Recibimos su compra.",
	contracts.BorrarDatos:    "Se borraron los datos personales.",
	contracts.CancelarCompra: "Se pidió cancelarla.",
}

// The reasons of a cancellation for which nobody gave one, in Spanish.
const (
	CancelledByCustomer = "La canceló el cliente."
	CancelledByOperator = "La canceló un operador."
)

// Detail returns the text for the history about a message of the saga, in Spanish. It returns "" where the message is not of the saga.
func Detail(t contracts.MessageType) string {
	if text := requests[t]; text != "" {
		return text
	}
	if s := StepOf(t); s.Detail != "" {
		return s.Detail
	}
	return ReplyOf(t).Detail
}

func inAnyOf(states ...contracts.Estado) []contracts.Estado { return states }
