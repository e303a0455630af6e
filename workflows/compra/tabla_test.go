package compra

import (
	"strings"
	"time"

	"entregas/contracts"
)

func rechazo(causa contracts.Tipo) Cierre {
	return Cierre{Estado: contracts.EstadoRechazada, Causa: causa}
}

var cancelacion = Cierre{Estado: contracts.EstadoCancelada, Causa: contracts.CancelarCompra}

// What is called in each path, spelled as in libreto. What stands between the reservation and the order is the table's.
var (
	hastaReserva = "ValidarInventario, ReservarProducto"
	hastaMedio   = hastaReserva + between("", func(s Step) contracts.Tipo { return s.Command })
	hastaOrden   = hastaMedio + ", CrearOrden"
	hastaEspera  = hastaMedio + ", PedirAprobacion"

	sinValidar = ", deshacer CancelarValidacionInventario"
	sinReserva = ", deshacer LiberarReserva" + sinValidar
	sinMedio   = between(deshaciendo, func(s Step) contracts.Tipo { return s.Undo.Command })
	sinTodo    = sinMedio + sinReserva // but for the order
	sinOrden   = ", deshacer CancelarOrden" + sinTodo

	aRechazada = ", cerrar RECHAZADA"
	aCancelada = ", cerrar CANCELADA"
)

// between spells what the steps between Reserva and Orden call. Rollbacks are called in reverse.
func between(prefix string, called func(Step) contracts.Tipo) string {
	text := ""
	for _, s := range Saga() {
		switch {
		case s.Command == Inventario.Command, s.Command == Reserva.Command, s.Command == Orden.Command:
		case prefix == deshaciendo:
			text = ", " + prefix + string(called(s)) + text
		default:
			text += ", " + prefix + string(called(s))
		}
	}
	return text
}

// caminos are the paths. Where a step is in doubt its own rollback is the first; where it was refused there is none.
var caminos = []camino{
	{nombre: "confirmada", llamadas: hastaOrden},
	{nombre: "sin-existencias", llamadas: "ValidarInventario" + aRechazada,
		desenlaces: map[string][]Desenlace{"ValidarInventario": {{Resultado: Rechazada, Preguntada: true, Respuesta: contracts.InventarioInsuficiente, Motivo: "No hay.", Faltantes: faltan}}},
		cierre:     Cierre{Estado: contracts.EstadoRechazada, Causa: contracts.InventarioInsuficiente, Faltantes: faltan}},
	{nombre: "reserva-rechazada", llamadas: hastaReserva + sinValidar + aRechazada,
		desenlaces: map[string][]Desenlace{"ReservarProducto": {rechazada(contracts.ReservaRechazada)}}, cierre: rechazo(contracts.ReservaRechazada)},
	{nombre: "orden-rechazada", llamadas: hastaOrden + sinTodo + aRechazada,
		desenlaces: map[string][]Desenlace{"CrearOrden": {rechazada(contracts.OrdenRechazada)}}, cierre: rechazo(contracts.OrdenRechazada)},

	// Patience ran out: the step may have been done.
	{nombre: "inventario-sin-respuesta", llamadas: "ValidarInventario" + sinValidar + aRechazada,
		desenlaces: map[string][]Desenlace{"ValidarInventario": {dudosa}}, cierre: rechazo(contracts.ValidarInventario)},
	{nombre: "reserva-sin-respuesta", llamadas: hastaReserva + sinReserva + aRechazada,
		desenlaces: map[string][]Desenlace{"ReservarProducto": {dudosa}}, cierre: rechazo(contracts.ReservarProducto)},
	{nombre: "orden-sin-respuesta", llamadas: hastaOrden + sinOrden + aRechazada,
		desenlaces: map[string][]Desenlace{"CrearOrden": {dudosa}}, cierre: rechazo(contracts.CrearOrden)},
	{nombre: "reserva-sin-intentos", llamadas: "ValidarInventario, ReservarProducto x3" + sinReserva + aRechazada,
		falla: func(llamada string, _ int) bool { return llamada == "ReservarProducto" }, cierre: rechazo(contracts.ReservarProducto)},

	// Somebody asked to cancel while it ran.
	{nombre: "cancelada-antes-de-validar", llamadas: "ValidarInventario" + aCancelada,
		desenlaces: map[string][]Desenlace{"ValidarInventario": {cancelada}}, cierre: cancelacion},
	{nombre: "cancelada-antes-de-reservar", llamadas: hastaReserva + sinValidar + aCancelada,
		desenlaces: map[string][]Desenlace{"ReservarProducto": {cancelada}}, cierre: cancelacion},
	{nombre: "cancelada-antes-de-la-orden", llamadas: hastaOrden + sinTodo + aCancelada,
		desenlaces: map[string][]Desenlace{"CrearOrden": {cancelada}}, cierre: cancelacion},
	{nombre: "cancelada-al-confirmar", llamadas: hastaOrden + sinOrden + aCancelada,
		desenlaces: map[string][]Desenlace{"CrearOrden": {canceladaTarde}}, cierre: cancelacion},

	// It is at its end already: a completed instance that was scheduled again.
	{nombre: "terminada-al-validar", llamadas: "ValidarInventario", desenlaces: map[string][]Desenlace{"ValidarInventario": {terminada}}},
	{nombre: "terminada-al-reservar", llamadas: hastaReserva, desenlaces: map[string][]Desenlace{"ReservarProducto": {terminada}}},
	{nombre: "terminada-al-ordenar", llamadas: hastaOrden, desenlaces: map[string][]Desenlace{"CrearOrden": {terminada}}},

	// Approval.
	{nombre: "aprobada", grande: true, llamadas: hastaEspera + ", LeerDecision, CrearOrden", despertar: []string{nombreAprobar}},
	{nombre: "no-aprobada", grande: true, llamadas: hastaEspera + ", LeerDecision" + sinTodo + aRechazada, despertar: []string{nombreAprobar},
		desenlaces: map[string][]Desenlace{nombreDecision: {rechazada("AprobacionNegada")}}, cierre: rechazo("AprobacionNegada")},
	{nombre: "cancelada-mientras-espera", grande: true, llamadas: hastaEspera + ", LeerDecision" + sinTodo + aCancelada, despertar: []string{nombreAprobar},
		desenlaces: map[string][]Desenlace{nombreDecision: {cancelada}}, cierre: cancelacion},
	{nombre: "aprobacion-expirada", grande: true, llamadas: hastaEspera + ", LeerDecision vencida" + sinTodo + aRechazada,
		ajustes:    Ajustes{PlazoAprobacion: 50 * time.Millisecond},
		desenlaces: map[string][]Desenlace{conVencida: {rechazada("AprobacionExpirada")}}, cierre: rechazo("AprobacionExpirada")},
	{nombre: "despertada-de-balde", grande: true, llamadas: hastaEspera + ", LeerDecision x3, CrearOrden", despertar: []string{nombreAprobar, nombreDecision},
		desenlaces: map[string][]Desenlace{nombreDecision: {pendiente, pendiente, aceptada}}},
	{nombre: "nadie-la-despierta", grande: true, llamadas: hastaEspera + ", LeerDecision vencida, CrearOrden",
		ajustes: Ajustes{PlazoAprobacion: 50 * time.Millisecond}}, // what was decided before holds, though the time is up
	{nombre: "cancelada-antes-de-esperar", grande: true, llamadas: hastaEspera + sinTodo + aCancelada,
		desenlaces: map[string][]Desenlace{nombreAprobar: {cancelada}}, cierre: cancelacion},
	{nombre: "terminada-al-esperar", grande: true, llamadas: hastaEspera, desenlaces: map[string][]Desenlace{nombreAprobar: {terminada}}},
	{nombre: "aprobada-y-orden-rechazada", grande: true, llamadas: hastaEspera + ", LeerDecision, CrearOrden" + sinTodo + aRechazada, despertar: []string{nombreAprobar},
		desenlaces: map[string][]Desenlace{"CrearOrden": {rechazada(contracts.OrdenRechazada)}}, cierre: rechazo(contracts.OrdenRechazada)},
	{nombre: "espera-sin-intentos", grande: true, llamadas: hastaMedio + ", PedirAprobacion x3" + sinTodo + aRechazada,
		falla: func(llamada string, _ int) bool { return llamada == nombreAprobar }, cierre: rechazo("Aprobacion")},

	// Compensations that do not go as they should.
	{nombre: "rollback-que-tarda", llamadas: hastaOrden + sinMedio + ", deshacer LiberarReserva x2" + sinReserva + aRechazada,
		desenlaces: map[string][]Desenlace{"CrearOrden": {rechazada(contracts.OrdenRechazada)}, "deshacer LiberarReserva": {sinConfirmar, sinConfirmar, aceptada}},
		cierre:     rechazo(contracts.OrdenRechazada)},
	{nombre: "rollback-sin-intentos", llamadas: hastaReserva + ", deshacer CancelarValidacionInventario x3" + sinValidar + aRechazada,
		desenlaces: map[string][]Desenlace{"ReservarProducto": {rechazada(contracts.ReservaRechazada)}},
		falla: func(llamada string, vez int) bool {
			return llamada == "deshacer CancelarValidacionInventario" && vez <= intentos
		},
		cierre: rechazo(contracts.ReservaRechazada)},
	{nombre: "rollback-de-varias-corridas", llamadas: hastaReserva + ", deshacer LiberarReserva x21" + sinReserva + aRechazada,
		desenlaces: map[string][]Desenlace{"ReservarProducto": {dudosa}, "deshacer LiberarReserva": append(repetir(sinConfirmar, 21), aceptada)},
		cierre:     rechazo(contracts.ReservarProducto)},
	{nombre: "rollback-negado", llamadas: hastaOrden + sinMedio + ", deshacer LiberarReserva x2" + sinReserva + aRechazada, // only ordenes says that a purchase has left
		desenlaces: map[string][]Desenlace{"CrearOrden": {rechazada(contracts.OrdenRechazada)},
			"deshacer LiberarReserva": {rechazada(contracts.ReservaDespachada), {Resultado: SinRespuesta, Preguntada: true, Respuesta: contracts.ReservaDespachada}, aceptada}},
		cierre: rechazo(contracts.OrdenRechazada)},
	{nombre: "fallida", llamadas: hastaOrden + sinMedio + ", deshacer LiberarReserva, cerrar FALLIDA", ajustes: Ajustes{PlazoCompensacion: time.Nanosecond},
		desenlaces: map[string][]Desenlace{"CrearOrden": {rechazada(contracts.OrdenRechazada)}, "deshacer LiberarReserva": {sinConfirmar}},
		cierre:     Cierre{Estado: contracts.EstadoFallida, Causa: contracts.LiberarReserva}, detalle: "LiberarReserva sin confirmar"},
	{nombre: "fallida-negada", llamadas: hastaOrden + sinMedio + ", deshacer LiberarReserva, cerrar FALLIDA", ajustes: Ajustes{PlazoCompensacion: time.Nanosecond},
		desenlaces: map[string][]Desenlace{"CrearOrden": {rechazada(contracts.OrdenRechazada)},
			"deshacer LiberarReserva": {{Resultado: SinRespuesta, Preguntada: true, Respuesta: contracts.ReservaDespachada}}},
		cierre: Cierre{Estado: contracts.EstadoFallida, Causa: contracts.LiberarReserva}, detalle: "LiberarReserva, se respondió ReservaDespachada"},
	{nombre: "la-orden-ya-salio", llamadas: hastaOrden + ", deshacer CancelarOrden, cerrar CONFIRMADA",
		desenlaces: map[string][]Desenlace{"CrearOrden": {dudosa}, "deshacer CancelarOrden": {{Resultado: Rechazada, Preguntada: true, Respuesta: contracts.OrdenDespachada, IDOrden: "o1"}}},
		cierre:     Cierre{Estado: contracts.EstadoConfirmada, Causa: contracts.OrdenDespachada, IDOrden: "o1"}},

	// A walk that was lost: all of it is in doubt.
	{nombre: "perdida-y-rechazada", perdida: contracts.EstadoRechazada, llamadas: strings.TrimPrefix(sinOrden, ", ") + aRechazada, cierre: rechazo(contracts.CrearOrden)},
	{nombre: "perdida-y-cancelada", perdida: contracts.EstadoCancelada, llamadas: strings.TrimPrefix(sinOrden, ", ") + aCancelada, cierre: cancelacion},

	// After CONFIRMADA.
	{nombre: "despacho", flujo: NombreDespacho, llamadas: "DespacharReserva, terminar despacho true"},
	{nombre: "despacho-que-tarda", flujo: NombreDespacho, llamadas: "DespacharReserva x3, terminar despacho true",
		desenlaces: map[string][]Desenlace{"DespacharReserva": {dudosa, dudosa, aceptada}}},
	{nombre: "despacho-de-varias-corridas", flujo: NombreDespacho, llamadas: "DespacharReserva x22, terminar despacho true",
		desenlaces: map[string][]Desenlace{"DespacharReserva": append(repetir(dudosa, 21), aceptada)}},
	{nombre: "despacho-ya-terminado", flujo: NombreDespacho, llamadas: "DespacharReserva, terminar despacho false",
		desenlaces: map[string][]Desenlace{"DespacharReserva": {terminada}}},
	{nombre: "cancelacion", flujo: NombreCancelacion, llamadas: "CancelarOrden" + sinTodo + aCancelada + ", terminar cancelacion true", cierre: cancelacion},
	{nombre: "cancelacion-negada", flujo: NombreCancelacion, llamadas: "CancelarOrden, terminar cancelacion false",
		desenlaces: map[string][]Desenlace{"CancelarOrden": {rechazada(contracts.OrdenDespachada)}}},
	{nombre: "cancellation-refused-by-mistake", flujo: NombreCancelacion, // no reply but OrdenDespachada ends it
		llamadas:   "CancelarOrden x3" + sinTodo + aCancelada + ", terminar cancelacion true",
		desenlaces: map[string][]Desenlace{"CancelarOrden": {rechazada(contracts.OrdenRechazada), rechazada("RollbackNegado"), aceptada}}, cierre: cancelacion},
	{nombre: "cancelacion-que-tarda", flujo: NombreCancelacion,
		llamadas:   "CancelarOrden x3" + sinMedio + ", deshacer LiberarReserva" + sinReserva + aCancelada + ", terminar cancelacion true",
		desenlaces: map[string][]Desenlace{"CancelarOrden": {dudosa, dudosa, aceptada}, "deshacer LiberarReserva": {sinConfirmar, aceptada}}, cierre: cancelacion},
	{nombre: "cancelacion-de-varias-corridas", flujo: NombreCancelacion,
		llamadas:   "CancelarOrden x22" + sinMedio + ", deshacer LiberarReserva x20" + sinReserva + aCancelada + ", terminar cancelacion true",
		desenlaces: map[string][]Desenlace{"CancelarOrden": append(repetir(dudosa, 21), aceptada), "deshacer LiberarReserva": append(repetir(sinConfirmar, 20), aceptada)}, cierre: cancelacion},
	{nombre: "cancelacion-sin-que-hacer", flujo: NombreCancelacion, llamadas: "CancelarOrden, terminar cancelacion false",
		desenlaces: map[string][]Desenlace{"CancelarOrden": {terminada}}},
}

func repetir(d Desenlace, veces int) []Desenlace {
	lista := make([]Desenlace, veces)
	for i := range lista {
		lista[i] = d
	}
	return lista
}
