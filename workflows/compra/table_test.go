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

// What is called in each path, spelled as in script. What stands between the reservation and the order is the table's.
var (
	untilReserva = "ValidarInventario, ReservarProducto"
	hastaMedio   = untilReserva + between("", func(s Step) contracts.MessageType { return s.Command })
	untilOrden   = hastaMedio + ", CrearOrden"
	untilWait    = hastaMedio + ", PedirAprobacion"

	withoutValidation = ", deshacer CancelarValidacionInventario"
	withoutReserva    = ", deshacer LiberarReserva" + withoutValidation
	sinMedio          = between(undoOf, func(s Step) contracts.MessageType { return s.Undo.Command })
	sinTodo           = sinMedio + withoutReserva // but for the order
	withoutOrden      = ", deshacer CancelarOrden" + sinTodo

	toRefused   = ", cerrar RECHAZADA"
	toCancelled = ", cerrar CANCELADA"
)

// between spells what the steps between Reserva and Orden call. Rollbacks are called in reverse.
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

// courses are the paths. Where a step is in doubt its own rollback is the first; where it was refused there is none.
var courses = []course{
	{name: "confirmada", calls: untilOrden},
	{name: "sin-existencias", calls: "ValidarInventario" + toRefused,
		outcomes: map[string][]Outcome{"ValidarInventario": {{Result: Refused, Asked: true, Reply: contracts.InventarioInsuficiente, Motivo: "No hay.", Faltantes: missing}}},
		ending:   Ending{Estado: contracts.EstadoRechazada, Cause: contracts.InventarioInsuficiente, Faltantes: missing}},
	{name: "reserva-rechazada", calls: untilReserva + withoutValidation + toRefused,
		outcomes: map[string][]Outcome{"ReservarProducto": {refused(contracts.ReservaRechazada)}}, ending: refusal(contracts.ReservaRechazada)},
	{name: "orden-rechazada", calls: untilOrden + sinTodo + toRefused,
		outcomes: map[string][]Outcome{"CrearOrden": {refused(contracts.OrdenRechazada)}}, ending: refusal(contracts.OrdenRechazada)},

	// Patience ran out: the step may have been done.
	{name: "inventario-sin-respuesta", calls: "ValidarInventario" + withoutValidation + toRefused,
		outcomes: map[string][]Outcome{"ValidarInventario": {doubtful}}, ending: refusal(contracts.ValidarInventario)},
	{name: "reserva-sin-respuesta", calls: untilReserva + withoutReserva + toRefused,
		outcomes: map[string][]Outcome{"ReservarProducto": {doubtful}}, ending: refusal(contracts.ReservarProducto)},
	{name: "orden-sin-respuesta", calls: untilOrden + withoutOrden + toRefused,
		outcomes: map[string][]Outcome{"CrearOrden": {doubtful}}, ending: refusal(contracts.CrearOrden)},
	{name: "reserva-sin-intentos", calls: "ValidarInventario, ReservarProducto x3" + withoutReserva + toRefused,
		failure: func(call string, _ int) bool { return call == "ReservarProducto" }, ending: refusal(contracts.ReservarProducto)},

	// Somebody asked to cancel while it ran.
	{name: "cancelada-antes-de-validar", calls: "ValidarInventario" + toCancelled,
		outcomes: map[string][]Outcome{"ValidarInventario": {cancelled}}, ending: cancelacion},
	{name: "cancelada-antes-de-reservar", calls: untilReserva + withoutValidation + toCancelled,
		outcomes: map[string][]Outcome{"ReservarProducto": {cancelled}}, ending: cancelacion},
	{name: "cancelada-antes-de-la-orden", calls: untilOrden + sinTodo + toCancelled,
		outcomes: map[string][]Outcome{"CrearOrden": {cancelled}}, ending: cancelacion},
	{name: "cancelada-al-confirmar", calls: untilOrden + withoutOrden + toCancelled,
		outcomes: map[string][]Outcome{"CrearOrden": {cancelledLate}}, ending: cancelacion},

	// It is at its end already: a completed instance that was scheduled again.
	{name: "terminada-al-validar", calls: "ValidarInventario", outcomes: map[string][]Outcome{"ValidarInventario": {finished}}},
	{name: "terminada-al-reservar", calls: untilReserva, outcomes: map[string][]Outcome{"ReservarProducto": {finished}}},
	{name: "terminada-al-ordenar", calls: untilOrden, outcomes: map[string][]Outcome{"CrearOrden": {finished}}},

	// Approval.
	{name: "aprobada", tooBig: true, calls: untilWait + ", LeerDecision, CrearOrden", wake: []string{aprobarName}},
	{name: "no-aprobada", tooBig: true, calls: untilWait + ", LeerDecision" + sinTodo + toRefused, wake: []string{aprobarName},
		outcomes: map[string][]Outcome{decisionName: {refused("AprobacionNegada")}}, ending: refusal("AprobacionNegada")},
	{name: "cancelada-mientras-espera", tooBig: true, calls: untilWait + ", LeerDecision" + sinTodo + toCancelled, wake: []string{aprobarName},
		outcomes: map[string][]Outcome{decisionName: {cancelled}}, ending: cancelacion},
	{name: "aprobacion-expirada", tooBig: true, calls: untilWait + ", LeerDecision vencida" + sinTodo + toRefused,
		settings: Settings{AprobacionDeadline: 50 * time.Millisecond},
		outcomes: map[string][]Outcome{withExpired: {refused("AprobacionExpirada")}}, ending: refusal("AprobacionExpirada")},
	{name: "despertada-de-balde", tooBig: true, calls: untilWait + ", LeerDecision x3, CrearOrden", wake: []string{aprobarName, decisionName},
		outcomes: map[string][]Outcome{decisionName: {pending, pending, accepted}}},
	{name: "nadie-la-despierta", tooBig: true, calls: untilWait + ", LeerDecision vencida, CrearOrden",
		settings: Settings{AprobacionDeadline: 50 * time.Millisecond}}, // what was decided before holds, though the time is up
	{name: "cancelada-antes-de-esperar", tooBig: true, calls: untilWait + sinTodo + toCancelled,
		outcomes: map[string][]Outcome{aprobarName: {cancelled}}, ending: cancelacion},
	{name: "terminada-al-esperar", tooBig: true, calls: untilWait, outcomes: map[string][]Outcome{aprobarName: {finished}}},
	{name: "aprobada-y-orden-rechazada", tooBig: true, calls: untilWait + ", LeerDecision, CrearOrden" + sinTodo + toRefused, wake: []string{aprobarName},
		outcomes: map[string][]Outcome{"CrearOrden": {refused(contracts.OrdenRechazada)}}, ending: refusal(contracts.OrdenRechazada)},
	{name: "espera-sin-intentos", tooBig: true, calls: hastaMedio + ", PedirAprobacion x3" + sinTodo + toRefused,
		failure: func(call string, _ int) bool { return call == aprobarName }, ending: refusal("Aprobacion")},

	// Compensations that do not go as they should.
	{name: "rollback-que-tarda", calls: untilOrden + sinMedio + ", deshacer LiberarReserva x2" + withoutReserva + toRefused,
		outcomes: map[string][]Outcome{"CrearOrden": {refused(contracts.OrdenRechazada)}, "deshacer LiberarReserva": {notConfirmed, notConfirmed, accepted}},
		ending:   refusal(contracts.OrdenRechazada)},
	{name: "rollback-sin-intentos", calls: untilReserva + ", deshacer CancelarValidacionInventario x3" + withoutValidation + toRefused,
		outcomes: map[string][]Outcome{"ReservarProducto": {refused(contracts.ReservaRechazada)}},
		failure: func(call string, attempt int) bool {
			return call == "deshacer CancelarValidacionInventario" && attempt <= attempts
		},
		ending: refusal(contracts.ReservaRechazada)},
	{name: "rollback-de-varias-corridas", calls: untilReserva + ", deshacer LiberarReserva x21" + withoutReserva + toRefused,
		outcomes: map[string][]Outcome{"ReservarProducto": {doubtful}, "deshacer LiberarReserva": append(repeat(notConfirmed, 21), accepted)},
		ending:   refusal(contracts.ReservarProducto)},
	{name: "rollback-negado", calls: untilOrden + sinMedio + ", deshacer LiberarReserva x2" + withoutReserva + toRefused, // only ordenes says that a purchase has left
		outcomes: map[string][]Outcome{"CrearOrden": {refused(contracts.OrdenRechazada)},
			"deshacer LiberarReserva": {refused(contracts.ReservaDespachada), {Result: NoReply, Asked: true, Reply: contracts.ReservaDespachada}, accepted}},
		ending: refusal(contracts.OrdenRechazada)},
	{name: "fallida", calls: untilOrden + sinMedio + ", deshacer LiberarReserva, cerrar FALLIDA", settings: Settings{CompensationDeadline: time.Nanosecond},
		outcomes: map[string][]Outcome{"CrearOrden": {refused(contracts.OrdenRechazada)}, "deshacer LiberarReserva": {notConfirmed}},
		ending:   Ending{Estado: contracts.EstadoFallida, Cause: contracts.LiberarReserva}, detail: "LiberarReserva sin confirmar"},
	{name: "fallida-negada", calls: untilOrden + sinMedio + ", deshacer LiberarReserva, cerrar FALLIDA", settings: Settings{CompensationDeadline: time.Nanosecond},
		outcomes: map[string][]Outcome{"CrearOrden": {refused(contracts.OrdenRechazada)},
			"deshacer LiberarReserva": {{Result: NoReply, Asked: true, Reply: contracts.ReservaDespachada}}},
		ending: Ending{Estado: contracts.EstadoFallida, Cause: contracts.LiberarReserva}, detail: "LiberarReserva, se respondió ReservaDespachada"},
	{name: "la-orden-ya-salio", calls: untilOrden + ", deshacer CancelarOrden, cerrar CONFIRMADA",
		outcomes: map[string][]Outcome{"CrearOrden": {doubtful}, "deshacer CancelarOrden": {{Result: Refused, Asked: true, Reply: contracts.OrdenDespachada, IDOrden: "o1"}}},
		ending:   Ending{Estado: contracts.EstadoConfirmada, Cause: contracts.OrdenDespachada, IDOrden: "o1"}},

	// A walk that was lost: all of it is in doubt.
	{name: "perdida-y-rechazada", lost: contracts.EstadoRechazada, calls: strings.TrimPrefix(withoutOrden, ", ") + toRefused, ending: refusal(contracts.CrearOrden)},
	{name: "perdida-y-cancelada", lost: contracts.EstadoCancelada, calls: strings.TrimPrefix(withoutOrden, ", ") + toCancelled, ending: cancelacion},

	// After CONFIRMADA.
	{name: "despacho", flow: DespachoName, calls: "DespacharReserva, terminar despacho true"},
	{name: "despacho-que-tarda", flow: DespachoName, calls: "DespacharReserva x3, terminar despacho true",
		outcomes: map[string][]Outcome{"DespacharReserva": {doubtful, doubtful, accepted}}},
	{name: "despacho-de-varias-corridas", flow: DespachoName, calls: "DespacharReserva x22, terminar despacho true",
		outcomes: map[string][]Outcome{"DespacharReserva": append(repeat(doubtful, 21), accepted)}},
	{name: "despacho-ya-terminado", flow: DespachoName, calls: "DespacharReserva, terminar despacho false",
		outcomes: map[string][]Outcome{"DespacharReserva": {finished}}},
	{name: "cancelacion", flow: CancelacionName, calls: "CancelarOrden" + sinTodo + toCancelled + ", terminar cancelacion true", ending: cancelacion},
	{name: "cancelacion-negada", flow: CancelacionName, calls: "CancelarOrden, terminar cancelacion false",
		outcomes: map[string][]Outcome{"CancelarOrden": {refused(contracts.OrdenDespachada)}}},
	{name: "cancellation-refused-by-mistake", flow: CancelacionName, // no reply but OrdenDespachada ends it
		calls:    "CancelarOrden x3" + sinTodo + toCancelled + ", terminar cancelacion true",
		outcomes: map[string][]Outcome{"CancelarOrden": {refused(contracts.OrdenRechazada), refused("RollbackNegado"), accepted}}, ending: cancelacion},
	{name: "cancelacion-que-tarda", flow: CancelacionName,
		calls:    "CancelarOrden x3" + sinMedio + ", deshacer LiberarReserva" + withoutReserva + toCancelled + ", terminar cancelacion true",
		outcomes: map[string][]Outcome{"CancelarOrden": {doubtful, doubtful, accepted}, "deshacer LiberarReserva": {notConfirmed, accepted}}, ending: cancelacion},
	{name: "cancelacion-de-varias-corridas", flow: CancelacionName,
		calls:    "CancelarOrden x22" + sinMedio + ", deshacer LiberarReserva x20" + withoutReserva + toCancelled + ", terminar cancelacion true",
		outcomes: map[string][]Outcome{"CancelarOrden": append(repeat(doubtful, 21), accepted), "deshacer LiberarReserva": append(repeat(notConfirmed, 20), accepted)}, ending: cancelacion},
	{name: "cancelacion-sin-que-hacer", flow: CancelacionName, calls: "CancelarOrden, terminar cancelacion false",
		outcomes: map[string][]Outcome{"CancelarOrden": {finished}}},
}

func repeat(d Outcome, times int) []Outcome {
	list := make([]Outcome, times)
	for i := range list {
		list[i] = d
	}
	return list
}
