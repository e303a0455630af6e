package compra

import (
	"strings"
	"time"

	"entregas/contracts"
)

func refusal(cause contracts.MessageType) Ending {
	return Ending{Estado: contracts.EstadoRechazada, Cause: cause}
}

var cancelacion = Ending{Estado: contracts.EstadoCancelada, Cause: contracts.CancelarCompra}

// The calls of the courses, as script names them. The steps between Reserva and Orden come from the table.
var (
	untilReserva = "ValidarInventario, ReservarProducto"
	untilMiddle  = untilReserva + between("", func(s Step) contracts.MessageType { return s.Command })
	untilOrden   = untilMiddle + ", CrearOrden"
	untilWait    = untilMiddle + ", AskForAprobacion"

	withoutValidation = ", undo CancelarValidacionInventario"
	withoutReserva    = ", undo LiberarReserva" + withoutValidation
	withoutMiddle     = between(undoOf, func(s Step) contracts.MessageType { return s.Undo.Command })
	withoutAll        = withoutMiddle + withoutReserva // without the rollback of Orden
	withoutOrden      = ", undo CancelarOrden" + withoutAll

	toRefused   = ", close RECHAZADA"
	toCancelled = ", close CANCELADA"
)

// between returns the calls of the steps between Reserva and Orden, with a prefix. Rollbacks are in reverse order.
func between(prefix string, called func(Step) contracts.MessageType) string {
	text := ""
	for _, s := range Saga() {
		switch {
		case s.Command == Inventario.Command, s.Command == Reserva.Command, s.Command == Orden.Command:
		case prefix == undoOf:
			text = ", " + prefix + string(called(s)) + text
		default:
			text += ", " + prefix + string(called(s))
		}
	}
	return text
}

// courses are the courses that TestPaths tries. If a step has no reply, the compensation begins with the rollback of this step. A
// refused step needs no rollback.
var courses = []course{
	{name: "confirmed", calls: untilOrden},
	{name: "out-of-stock", calls: "ValidarInventario" + toRefused,
		outcomes: map[string][]Outcome{"ValidarInventario": {{Result: Refused, Asked: true, Reply: contracts.InventarioInsuficiente, Motivo: "No hay.", Faltantes: missing}}},
		ending:   Ending{Estado: contracts.EstadoRechazada, Cause: contracts.InventarioInsuficiente, Faltantes: missing}},
	{name: "reserva-refused", calls: untilReserva + withoutValidation + toRefused,
		outcomes: map[string][]Outcome{"ReservarProducto": {refused(contracts.ReservaRechazada)}}, ending: refusal(contracts.ReservaRechazada)},
	{name: "orden-refused", calls: untilOrden + withoutAll + toRefused,
		outcomes: map[string][]Outcome{"CrearOrden": {refused(contracts.OrdenRechazada)}}, ending: refusal(contracts.OrdenRechazada)},

	// No reply came in time: the step may have been done.
	{name: "inventario-no-reply", calls: "ValidarInventario" + withoutValidation + toRefused,
		outcomes: map[string][]Outcome{"ValidarInventario": {doubtful}}, ending: refusal(contracts.ValidarInventario)},
	{name: "reserva-no-reply", calls: untilReserva + withoutReserva + toRefused,
		outcomes: map[string][]Outcome{"ReservarProducto": {doubtful}}, ending: refusal(contracts.ReservarProducto)},
	{name: "orden-no-reply", calls: untilOrden + withoutOrden + toRefused,
		outcomes: map[string][]Outcome{"CrearOrden": {doubtful}}, ending: refusal(contracts.CrearOrden)},
	{name: "reserva-tries-used-up", calls: "ValidarInventario, ReservarProducto x3" + withoutReserva + toRefused,
		failure: func(call string, _ int) bool { return call == "ReservarProducto" }, ending: refusal(contracts.ReservarProducto)},

	// A request to cancel came while the saga ran.
	{name: "cancelled-before-inventario", calls: "ValidarInventario" + toCancelled,
		outcomes: map[string][]Outcome{"ValidarInventario": {cancelled}}, ending: cancelacion},
	{name: "cancelled-before-reserva", calls: untilReserva + withoutValidation + toCancelled,
		outcomes: map[string][]Outcome{"ReservarProducto": {cancelled}}, ending: cancelacion},
	{name: "cancelled-before-orden", calls: untilOrden + withoutAll + toCancelled,
		outcomes: map[string][]Outcome{"CrearOrden": {cancelled}}, ending: cancelacion},
	{name: "cancelled-at-confirmation", calls: untilOrden + withoutOrden + toCancelled,
		outcomes: map[string][]Outcome{"CrearOrden": {cancelledLate}}, ending: cancelacion},

	// The purchase is past the saga: a completed instance was scheduled again.
	{name: "finished-at-inventario", calls: "ValidarInventario", outcomes: map[string][]Outcome{"ValidarInventario": {finished}}},
	{name: "finished-at-reserva", calls: untilReserva, outcomes: map[string][]Outcome{"ReservarProducto": {finished}}},
	{name: "finished-at-orden", calls: untilOrden, outcomes: map[string][]Outcome{"CrearOrden": {finished}}},

	// Approval.
	{name: "approved", tooBig: true, calls: untilWait + ", ReadDecision, CrearOrden", wake: []string{aprobacionName}},
	{name: "not-approved", tooBig: true, calls: untilWait + ", ReadDecision" + withoutAll + toRefused, wake: []string{aprobacionName},
		outcomes: map[string][]Outcome{decisionName: {refused("AprobacionNegada")}}, ending: refusal("AprobacionNegada")},
	{name: "cancelled-while-waiting", tooBig: true, calls: untilWait + ", ReadDecision" + withoutAll + toCancelled, wake: []string{aprobacionName},
		outcomes: map[string][]Outcome{decisionName: {cancelled}}, ending: cancelacion},
	{name: "approval-expired", tooBig: true, calls: untilWait + ", ReadDecision expired" + withoutAll + toRefused,
		settings: Settings{AprobacionDeadline: 50 * time.Millisecond},
		outcomes: map[string][]Outcome{withExpired: {refused("AprobacionExpirada")}}, ending: refusal("AprobacionExpirada")},
	{name: "woken-for-nothing", tooBig: true, calls: untilWait + ", ReadDecision x3, CrearOrden", wake: []string{aprobacionName, decisionName},
		outcomes: map[string][]Outcome{decisionName: {pending, pending, accepted}}},
	{name: "nobody-wakes-it", tooBig: true, calls: untilWait + ", ReadDecision expired, CrearOrden",
		settings: Settings{AprobacionDeadline: 50 * time.Millisecond}}, // the decision before the deadline counts, although the deadline has passed
	{name: "cancelled-before-waiting", tooBig: true, calls: untilWait + withoutAll + toCancelled,
		outcomes: map[string][]Outcome{aprobacionName: {cancelled}}, ending: cancelacion},
	{name: "finished-at-waiting", tooBig: true, calls: untilWait, outcomes: map[string][]Outcome{aprobacionName: {finished}}},
	{name: "approved-and-orden-refused", tooBig: true, calls: untilWait + ", ReadDecision, CrearOrden" + withoutAll + toRefused, wake: []string{aprobacionName},
		outcomes: map[string][]Outcome{"CrearOrden": {refused(contracts.OrdenRechazada)}}, ending: refusal(contracts.OrdenRechazada)},
	{name: "waiting-tries-used-up", tooBig: true, calls: untilMiddle + ", AskForAprobacion x3" + withoutAll + toRefused,
		failure: func(call string, _ int) bool { return call == aprobacionName }, ending: refusal("Aprobacion")},

	// Compensations with trouble.
	{name: "slow-rollback", calls: untilOrden + withoutMiddle + ", undo LiberarReserva x2" + withoutReserva + toRefused,
		outcomes: map[string][]Outcome{"CrearOrden": {refused(contracts.OrdenRechazada)}, "undo LiberarReserva": {notConfirmed, notConfirmed, accepted}},
		ending:   refusal(contracts.OrdenRechazada)},
	{name: "rollback-tries-used-up", calls: untilReserva + ", undo CancelarValidacionInventario x3" + withoutValidation + toRefused,
		outcomes: map[string][]Outcome{"ReservarProducto": {refused(contracts.ReservaRechazada)}},
		failure: func(call string, attempt int) bool {
			return call == "undo CancelarValidacionInventario" && attempt <= attempts
		},
		ending: refusal(contracts.ReservaRechazada)},
	{name: "rollback-of-several-runs", calls: untilReserva + ", undo LiberarReserva x21" + withoutReserva + toRefused,
		outcomes: map[string][]Outcome{"ReservarProducto": {doubtful}, "undo LiberarReserva": append(repeat(notConfirmed, 21), accepted)},
		ending:   refusal(contracts.ReservarProducto)},
	{name: "rollback-refused", calls: untilOrden + withoutMiddle + ", undo LiberarReserva x2" + withoutReserva + toRefused, // only ordenes may say that an order has left
		outcomes: map[string][]Outcome{"CrearOrden": {refused(contracts.OrdenRechazada)},
			"undo LiberarReserva": {refused(contracts.ReservaDespachada), {Result: NoReply, Asked: true, Reply: contracts.ReservaDespachada}, accepted}},
		ending: refusal(contracts.OrdenRechazada)},
	{name: "failed", calls: untilOrden + withoutMiddle + ", undo LiberarReserva, close FALLIDA", settings: Settings{CompensationDeadline: time.Nanosecond},
		outcomes: map[string][]Outcome{"CrearOrden": {refused(contracts.OrdenRechazada)}, "undo LiberarReserva": {notConfirmed}},
		ending:   Ending{Estado: contracts.EstadoFallida, Cause: contracts.LiberarReserva}, detail: "LiberarReserva sin confirmar"},
	{name: "failed-refused", calls: untilOrden + withoutMiddle + ", undo LiberarReserva, close FALLIDA", settings: Settings{CompensationDeadline: time.Nanosecond},
		outcomes: map[string][]Outcome{"CrearOrden": {refused(contracts.OrdenRechazada)},
			"undo LiberarReserva": {{Result: NoReply, Asked: true, Reply: contracts.ReservaDespachada}}},
		ending: Ending{Estado: contracts.EstadoFallida, Cause: contracts.LiberarReserva}, detail: "LiberarReserva, se respondió ReservaDespachada"},
	{name: "orden-already-dispatched", calls: untilOrden + ", undo CancelarOrden, close CONFIRMADA",
		outcomes: map[string][]Outcome{"CrearOrden": {doubtful}, "undo CancelarOrden": {{Result: Refused, Asked: true, Reply: contracts.OrdenDespachada, IDOrden: "o1"}}},
		ending:   Ending{Estado: contracts.EstadoConfirmada, Cause: contracts.OrdenDespachada, IDOrden: "o1"}},

	// A lost compensation: each step may have been done.
	{name: "lost-and-refused", lost: contracts.EstadoRechazada, calls: strings.TrimPrefix(withoutOrden, ", ") + toRefused, ending: refusal(contracts.CrearOrden)},
	{name: "lost-and-cancelled", lost: contracts.EstadoCancelada, calls: strings.TrimPrefix(withoutOrden, ", ") + toCancelled, ending: cancelacion},

	// After CONFIRMADA.
	{name: "despacho", flow: DespachoName, calls: "DespacharReserva, finish despacho true"},
	{name: "slow-despacho", flow: DespachoName, calls: "DespacharReserva x3, finish despacho true",
		outcomes: map[string][]Outcome{"DespacharReserva": {doubtful, doubtful, accepted}}},
	{name: "despacho-of-several-runs", flow: DespachoName, calls: "DespacharReserva x22, finish despacho true",
		outcomes: map[string][]Outcome{"DespacharReserva": append(repeat(doubtful, 21), accepted)}},
	{name: "despacho-already-finished", flow: DespachoName, calls: "DespacharReserva, finish despacho false",
		outcomes: map[string][]Outcome{"DespacharReserva": {finished}}},
	{name: "cancelacion", flow: CancelacionName, calls: "CancelarOrden" + withoutAll + toCancelled + ", finish cancelacion true", ending: cancelacion},
	{name: "cancelacion-refused", flow: CancelacionName, calls: "CancelarOrden, finish cancelacion false",
		outcomes: map[string][]Outcome{"CancelarOrden": {refused(contracts.OrdenDespachada)}}},
	{name: "cancelacion-refused-by-mistake", flow: CancelacionName, // only OrdenDespachada ends it
		calls:    "CancelarOrden x3" + withoutAll + toCancelled + ", finish cancelacion true",
		outcomes: map[string][]Outcome{"CancelarOrden": {refused(contracts.OrdenRechazada), refused("RollbackNegado"), accepted}}, ending: cancelacion},
	{name: "slow-cancelacion", flow: CancelacionName,
		calls:    "CancelarOrden x3" + withoutMiddle + ", undo LiberarReserva" + withoutReserva + toCancelled + ", finish cancelacion true",
		outcomes: map[string][]Outcome{"CancelarOrden": {doubtful, doubtful, accepted}, "undo LiberarReserva": {notConfirmed, accepted}}, ending: cancelacion},
	{name: "cancelacion-of-several-runs", flow: CancelacionName,
		calls:    "CancelarOrden x22" + withoutMiddle + ", undo LiberarReserva x20" + withoutReserva + toCancelled + ", finish cancelacion true",
		outcomes: map[string][]Outcome{"CancelarOrden": append(repeat(doubtful, 21), accepted), "undo LiberarReserva": append(repeat(notConfirmed, 20), accepted)}, ending: cancelacion},
	{name: "cancelacion-with-nothing-to-do", flow: CancelacionName, calls: "CancelarOrden, finish cancelacion false",
		outcomes: map[string][]Outcome{"CancelarOrden": {finished}}},
}

func repeat(d Outcome, times int) []Outcome {
	list := make([]Outcome, times)
	for i := range list {
		list[i] = d
	}
	return list
}
