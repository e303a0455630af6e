package compra

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// recorrido is one walk through the saga. It remembers what is to be undone, and where a step stopped the walk: the
// steps after that do nothing, so that Compra can be read without an `if` after each of them.
type recorrido struct {
	ctx          *workflow.WorkflowContext
	entrada      Entrada
	desde        []contracts.Estado // where the purchase may be when it has to be undone
	deshacer     []contracts.Tipo   // rollbacks of what was done or is in doubt, in the order in which it was done
	fin          *Cierre            // why and how the walk ends early; nil while it goes on
	nadaQueHacer bool               // the purchase is at its end already, or somebody else's
	relevado     bool               // the walk goes on in a new run of the same instance
}

// compensacion is what a compensation must remember over a ContinueAsNew.
type compensacion struct {
	Pendientes []contracts.Tipo `json:"pendientes"`
	Fin        Cierre           `json:"fin"`
	Desde      time.Time        `json:"desde"`
	Vueltas    int              `json:"vueltas"` // fruitless ones, of the rollback at hand
}

// deshaciendo tells that this run goes on with a compensation that an earlier one began.
func (e Entrada) deshaciendo() bool { return e.Retomada != nil && e.Retomada.Fin.Estado != "" }

func nuevoRecorrido(ctx *workflow.WorkflowContext, e Entrada, desde []contracts.Estado) *recorrido {
	r := &recorrido{ctx: ctx, entrada: e, desde: desde}
	if e.deshaciendo() {
		r.fin, r.deshacer = &e.Retomada.Fin, e.Retomada.Pendientes
	}
	return r
}

func (r *recorrido) detenido() bool { return r.fin != nil || r.nadaQueHacer }

// do does one step of the saga. Its rollback is remembered when the step was done, or may have been.
func (r *recorrido) do(s Step) {
	if r.detenido() || s.since() > max(1, r.entrada.Version) {
		return
	}
	var d Desenlace
	if err := r.llamar(nombrePreguntar, s.Question(r.entrada.Compra), &d); err != nil {
		// Its tries are used up, and whether the command went out is unknown: as if it had.
		d = Desenlace{Resultado: SinRespuesta, Preguntada: true}
	}
	if d.Preguntada && d.Resultado != Rechazada && s.Undo.Command != "" {
		r.deshacer = append(r.deshacer, s.Undo.Command)
	}
	r.seguir(d, s.Command)
}

// seguir goes on after an outcome, or stops the walk.
func (r *recorrido) seguir(d Desenlace, paso contracts.Tipo) {
	switch d.Resultado {
	case Aceptada:
	case Rechazada:
		r.detener(contracts.EstadoRechazada, d.Respuesta, d.Motivo, d.Faltantes)
	case Cancelada:
		r.detener(contracts.EstadoCancelada, contracts.CancelarCompra, d.Motivo, nil)
	case SinRespuesta:
		r.detener(contracts.EstadoRechazada, paso, "No hubo respuesta a "+string(paso)+" a tiempo.", nil)
	default: // Terminada
		r.nadaQueHacer = true
	}
}

// esperar waits for an event until plazo and tells whether the time is up.
func (r *recorrido) esperar(evento string, plazo time.Time) bool {
	resta := plazo.Sub(r.ctx.CurrentTimeUTC())
	if resta <= 0 {
		return true
	}
	timeout := r.ctx.WaitForExternalEvent(evento, resta).Await(nil)
	if r.entrada.Run != "" { // a timer of the replaced instance may end the wait: only the clock tells
		return !r.ctx.CurrentTimeUTC().Before(plazo)
	}
	return timeout != nil
}

func (r *recorrido) detener(estado contracts.Estado, causa contracts.Tipo, motivo string, faltantes []contracts.Faltante) {
	r.fin = &Cierre{
		IDCompra: r.entrada.Compra.ID, Estado: estado, Causa: causa, Motivo: motivo, Faltantes: faltantes,
		Desde: append(en(contracts.EstadoCompensando), r.desde...),
	}
}

// Fin ends the walk: nothing when the purchase was confirmed, else everything is undone and the final state recorded.
func (r *recorrido) Fin() (any, error) {
	if r.fin == nil {
		return nil, nil
	}
	if !r.compensar() {
		return nil, nil // it goes on as a new run of the same instance
	}
	return nil, r.llamar(nombreCerrar, *r.fin, nil)
}

// LongestSleep is the longest time, in a saga that goes on, between two activities: the sleep between two tries of a rollback, and the
// wait of the engine before it tries a failed activity again. The reconciler waits longer before it takes a saga for one that stands still.
const LongestSleep = 30 * time.Second

// firstSleep is the sleep of a saga before its second try of a rollback; each further one is twice as long, up to LongestSleep.
const firstSleep = 5 * time.Second

// vueltasPorCorrida is after how many sleeps a compensation starts a new run, so that its history does not grow without end.
const vueltasPorCorrida = 20

// compensar undoes in reverse, each confirmed before the next. It reports false when it handed over to a new run.
// What cannot be undone within PlazoCompensacion makes the purchase FALLIDA.
func (r *recorrido) compensar() bool {
	c := compensacion{Pendientes: r.deshacer, Fin: *r.fin, Desde: r.ctx.CurrentTimeUTC()}
	if r.entrada.deshaciendo() {
		c = *r.entrada.Retomada
	}
	for enEstaCorrida := 1; len(c.Pendientes) > 0; enEstaCorrida++ {
		ultimo := len(c.Pendientes) - 1
		var d Desenlace
		err := r.llamar(nombreDeshacer, Rollback{
			Compra: r.entrada.Compra, Comando: c.Pendientes[ultimo], Motivo: c.Fin.Motivo, Causa: c.Fin.Causa, Desde: r.desde,
		}, &d)
		if err == nil && d.Resultado == Aceptada {
			c.Pendientes, c.Vueltas = c.Pendientes[:ultimo], 0
			continue
		}
		if err == nil && d.Resultado == Rechazada && Dispatched(c.Pendientes[ultimo], d.Respuesta) {
			// The order has left the warehouse, and its owner decides (docs/adr/who-owns-a-fact-decides.md). It is
			// the first to be undone, so nothing was: the purchase is confirmed after all, and its dispatch follows.
			r.fin = &Cierre{IDCompra: r.fin.IDCompra, Estado: contracts.EstadoConfirmada, Causa: d.Respuesta, IDOrden: d.IDOrden,
				Motivo: "La orden ya había salido de la bodega.", Desde: en(contracts.EstadoCompensando)}
			return true
		}
		if r.ctx.CurrentTimeUTC().Sub(c.Desde) > r.entrada.Ajustes.PlazoCompensacion {
			r.fin = &Cierre{IDCompra: r.fin.IDCompra, Estado: contracts.EstadoFallida, Causa: c.Pendientes[ultimo], Desde: r.fin.Desde,
				Detalle: "No se pudo deshacer: " + unconfirmed(c.Pendientes[ultimo], d) + ". " + c.Fin.Motivo}
			return true
		}
		if !r.dormir(&c, enEstaCorrida) {
			return false
		}
	}
	return true
}

// unconfirmed says what became of a rollback that was not done.
func unconfirmed(rollback contracts.Tipo, d Desenlace) string {
	if d.Respuesta != "" {
		return string(rollback) + ", se respondió " + string(d.Respuesta)
	}
	return string(rollback) + " sin confirmar"
}

// dormir waits before the next try. It reports false when it handed over to a new run.
func (r *recorrido) dormir(c *compensacion, enEstaCorrida int) bool {
	if err := r.ctx.CreateTimer(r.entrada.Ajustes.espera(c.Vueltas)).Await(nil); err != nil {
		return false
	}
	c.Vueltas++
	if enEstaCorrida < vueltasPorCorrida {
		return true
	}
	siguiente := r.entrada
	siguiente.Retomada = c
	r.ctx.ContinueAsNew(siguiente)
	r.relevado = true
	return false
}

// espera is how long to wait after so many fruitless tries of a rollback.
func (a Ajustes) espera(vueltas int) time.Duration {
	primera := cmp.Or(a.EsperaCompensacion, firstSleep)
	return min(primera<<min(vueltas, 4), LongestSleep)
}

// reintentos is how the engine tries an activity again that failed: for trouble that the activity did not ride out itself.
var reintentos = workflow.RetryPolicy{
	MaxAttempts: 100, InitialRetryInterval: time.Second, BackoffCoefficient: 2, MaxRetryInterval: LongestSleep,
}

// llamar calls an activity and waits for its outcome. A run that replaces another may be given the outcome of an activity of
// the replaced one, since the engine numbers the activities of both alike: it bears another name, or none, and the activity is called again.
// A late failure is not told apart: it costs one try.
func (r *recorrido) llamar(actividad string, entrada, salida any) error {
	run := r.entrada.Run
	if run == "" {
		return r.call(actividad, entrada, salida)
	}
	for {
		var out enveloped[json.RawMessage]
		if err := r.call(actividad, enveloped[any]{run, entrada}, &out); err != nil {
			return err
		}
		switch {
		case out.Run != run:
			continue
		case salida == nil:
			return nil
		default:
			return json.Unmarshal(out.Body, salida)
		}
	}
}

func (r *recorrido) call(actividad string, entrada, salida any) error {
	politica := reintentos
	return r.ctx.CallActivity(actividad, workflow.WithActivityInput(entrada), workflow.WithActivityRetryPolicy(&politica)).Await(salida)
}
