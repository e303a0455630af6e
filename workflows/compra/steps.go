package compra

import (
	"cmp"
	"slices"

	"entregas/contracts"
)

// Step is one command that the saga sends, the replies that it may get, and what undoes it. The topic of a message, and with it
// the participant, is a fact of contracts.Topics. What others know of the saga follows from the two: docs/adr/one-table-of-steps.md.
type Step struct {
	Workflow string                // the workflow that asks
	Since    int                   // the Version that has the step first; 1 where it is 0
	Command  contracts.MessageType // its topic's reader is the participant
	Accepted Reply                 // the reply that lets the workflow go on
	Refused  []Reply               // the replies that refuse

	Enters     contracts.Estado      // the state that the purchase enters with the command; none where it stays in its state
	Cause      contracts.MessageType // the message that the history tells as the reason for entering that state
	From       []contracts.Estado    // the states from which Enters may be entered
	In         []contracts.Estado    // the states in which the command may be sent
	Then       contracts.Estado      // the state that Accepted brings with it
	Approved   bool                  // the approval of a large purchase comes before it
	Cancelable bool                  // the wish to cancel is looked at before the command is sent, and before Then is entered

	Undo Undo // none where the step cannot be undone
	Words
}

// Undo is the rollback of a step.
type Undo struct {
	Command   contracts.MessageType
	Confirmed Reply   // the reply that says that all is undone
	Refused   []Reply // the replies that refuse; the refusal is told in the history and the rollback is sent again

	// Dispatched is the refusal that ends the compensation, because the order has left the warehouse: the purchase is CONFIRMADA
	// after all. Only ordenes knows that (docs/adr/who-owns-a-fact-decides.md), so only its step has one, and that
	// step is the last of the saga: its rollback is the first, and nothing is undone yet.
	Dispatched Reply

	Title string // of the confirmed rollback, in a purchase's timeline
}

// Reply is an answer of a participant.
type Reply struct {
	Type      contracts.MessageType
	Detail    string   // what a customer reads about it in the history
	Order     Presence // whether it tells the order's id
	Faltantes Presence // whether it tells what is missing
}

// Presence is whether a reply has a field.
type Presence int

// The values of Presence.
const (
	Never Presence = iota
	May
	Must
)

// Words are what people read about a step, in Spanish.
type Words struct {
	Detail  string // in the history, where the command itself is the Cause
	State   string // the name of the state that is entered
	Title   string // of that state in a purchase's timeline
	Summary string // of a purchase in that state
	Doing   string // in the timeline, while the reply is awaited
}

// Replies that answer more than one command.
var (
	reservaRechazada  = Reply{Type: contracts.ReservaRechazada, Faltantes: May, Detail: "No se pudieron reservar los productos."}
	reservaDespachada = Reply{Type: contracts.ReservaDespachada, Detail: "Va en camino."}
)

// Inventario asks whether there is enough of everything.
var Inventario = Step{
	Workflow: CompraName, Command: contracts.ValidarInventario,
	Accepted: Reply{Type: contracts.InventarioValidado, Detail: "Hay existencias de todo."},
	Refused:  []Reply{{Type: contracts.InventarioInsuficiente, Faltantes: Must, Detail: "No hay existencias suficientes."}},

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

// Reserva takes the products from the stock and keeps them for this purchase.
var Reserva = Step{
	Workflow: CompraName, Command: contracts.ReservarProducto,
	Accepted: Reply{Type: contracts.ProductosReservados, Detail: "Los productos quedaron reservados."},
	Refused:  []Reply{reservaRechazada},

	Enters: contracts.EstadoProductosValidos, Cause: contracts.InventarioValidado, Cancelable: true,
	From: inAnyOf(contracts.EstadoIniciada), In: inAnyOf(contracts.EstadoProductosValidos),

	Undo: Undo{
		Command:   contracts.LiberarReserva,
		Confirmed: Reply{Type: contracts.ReservaLiberada, Detail: "Los productos volvieron al inventario."},
		Refused:   []Reply{reservaDespachada}, // admin-productos cannot know that there is no order to cancel any more
		Title:     "Se devolvieron los productos",
	},
	Words: Words{
		State: "Con existencias", Title: "Hay de todo",
		Summary: "Hay de todo. Lo estamos apartando.", Doing: "Apartando los productos",
	},
}

// Orden creates the order; with it the purchase is CONFIRMADA.
var Orden = Step{
	Workflow: CompraName, Command: contracts.CrearOrden,
	Accepted: Reply{Type: contracts.OrdenCreada, Order: Must, Detail: "La orden quedó creada."},
	Refused:  []Reply{{Type: contracts.OrdenRechazada, Detail: "No se pudo crear la orden."}},

	Enters: contracts.EstadoProductosReservados, Cause: contracts.ProductosReservados, Cancelable: true,
	From: inAnyOf(contracts.EstadoProductosValidos), In: inAnyOf(contracts.EstadoProductosReservados, contracts.EstadoPorAprobar),
	Then: contracts.EstadoConfirmada, Approved: true,

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

// Salida tells admin-productos that the units have left with the order; with it the purchase is DESPACHADA.
var Salida = Step{
	Workflow: DespachoName, Command: contracts.DespacharReserva,
	Accepted: reservaDespachada,
	Refused:  []Reply{reservaRechazada}, // docs/adr/a-reservation-asked-out-of-order.md says when
	In:       inAnyOf(contracts.EstadoConfirmada), Then: contracts.EstadoDespachada,
}

// Anulacion is the rollback of Orden as the first step of a cancellation after CONFIRMADA. The other rollbacks follow it.
var Anulacion = Step{
	Workflow: CancelacionName, Command: Orden.Undo.Command,
	Accepted: Orden.Undo.Confirmed, Refused: []Reply{Orden.Undo.Dispatched},
	In: inAnyOf(contracts.EstadoConfirmada),
}

// Steps are all steps. Those of the saga, whose Workflow is CompraName, are in their order.
var Steps = []Step{Inventario, Reserva, Orden, Salida, Anulacion}

// Question is what the step asks about the purchase c.
func (s Step) Question(c contracts.SolicitudCompra) Question {
	return Question{
		Compra: c, Comando: s.Command, Accepts: s.Accepted.Type,
		Enters: s.Enters, From: s.From, En: s.In, To: s.Then, Cancelable: s.Cancelable,
	}
}

// Version is that of the table. A workflow ends by the version with which it started, or its history would not replay: a step that is
// added is not done by workflows that are under way.
var Version = slices.MaxFunc(Steps, func(a, b Step) int { return cmp.Compare(a.Since, b.Since) }).since()

func (s Step) since() int { return max(1, s.Since) }

// InFlight are the states of a purchase whose saga has not come to its end, in their order.
var InFlight = append(append(inAnyOf(contracts.EstadoRecibida), Entered()...), contracts.EstadoPorAprobar)

// Entered returns the states that the steps of the saga enter, in their order.
func Entered() []contracts.Estado {
	var states []contracts.Estado
	for _, s := range Saga() {
		if s.Enters != "" {
			states = append(states, s.Enters)
		}
	}
	return states
}

// Saga returns the steps of the saga, in their order.
func Saga() []Step {
	return slices.DeleteFunc(slices.Clone(Steps), func(s Step) bool { return s.Workflow != CompraName })
}

// rollbacks returns the rollbacks of the steps of the saga that stand before the command given, in the order of the steps; of all
// steps where before is empty. A step that the version does not have is left out.
func rollbacks(before contracts.MessageType, version int) []contracts.MessageType {
	var commands []contracts.MessageType
	for _, s := range Saga() {
		if s.Command == before {
			break
		}
		if s.Undo.Command != "" && s.since() <= max(1, version) {
			commands = append(commands, s.Undo.Command)
		}
	}
	return commands
}

// AfterApproval is the step that follows the approval of a large purchase.
func AfterApproval() Step {
	saga := Saga()
	return saga[slices.IndexFunc(saga, func(s Step) bool { return s.Approved })]
}

// StepOf returns the step whose command is given; a zero Step where there is none, as for most rollbacks.
func StepOf(command contracts.MessageType) Step {
	for _, s := range Steps {
		if s.Command == command {
			return s
		}
	}
	return Step{}
}

// UndoOf returns the rollback whose command is given; a zero Undo where the command is none.
func UndoOf(command contracts.MessageType) Undo {
	for _, s := range Steps {
		if s.Undo.Command == command {
			return s.Undo
		}
	}
	return Undo{}
}

// Dispatched tells that a reply to a rollback says that the order has left, which only ordenes can say.
func Dispatched(rollback, reply contracts.MessageType) bool {
	return reply != "" && UndoOf(rollback).Dispatched.Type == reply
}

// TroubleUndoing tells that a reply to a command refuses a rollback, and does not say that the order has left. The participant may
// not refuse it: it is asked again.
func TroubleUndoing(command, reply contracts.MessageType) bool {
	u := UndoOf(command)
	return u.Command != "" && reply != "" && reply != u.Confirmed.Type && !Dispatched(command, reply)
}

// Commands returns every command of the saga and its rollbacks, each once.
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

// Replies returns the replies that a command may have.
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

// ReplyOf returns the reply of a type; a zero Reply where no command has it.
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

// Detail returns what a customer reads in the history about a message of the saga; empty where it is none.
func Detail(t contracts.MessageType) string {
	if s := StepOf(t); s.Detail != "" {
		return s.Detail
	}
	return ReplyOf(t).Detail
}

func inAnyOf(states ...contracts.Estado) []contracts.Estado { return states }
