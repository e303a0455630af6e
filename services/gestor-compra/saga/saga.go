// Package saga does what the saga of workflows/compra decides: it records, asks, and waits (docs/adr/a-step-asks-and-waits.md).
package saga

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/fallas"
	"entregas/services/internal/registro"
	"entregas/workflows/compra"
)

// Ajustes of the waiting.
type Ajustes struct {
	Paciencia      time.Duration // how long a step waits for its reply, from the first ask (docs/adr/steps-outwait-outages.md)
	Insistencia    time.Duration // the first repetition of an ask; then doubling
	VueltaRevision time.Duration // how often a waiter looks by itself, should a wake-up get lost
	EsperaRollback time.Duration // how long one turn of a compensation waits

	// How long a purchase may await its approval, and how long once others were refused for want of what it holds
	// (docs/adr/units-that-await-approval.md). Here they are only told to the operator.
	PlazoAprobacion, WantedStock time.Duration
}

// Almacen is what the saga keeps.
type Almacen interface {
	Questions
	States
	Decisions
}

// Questions are the commands that the saga sends, and their replies.
type Questions interface {
	Plantear(ctx context.Context, k compras.Cambio, comando contracts.Tipo, en []contracts.Estado, siempre bool) (compras.Planteada, error)
	LeerPaso(ctx context.Context, idCompra string, comando contracts.Tipo) (*compras.Paso, error)
	Alive(ctx context.Context, idCompra string, comando contracts.Tipo) error
	Reopen(ctx context.Context, idCompra string, comando contracts.Tipo) error
	Abandonar(ctx context.Context, idCompra string, comando contracts.Tipo) (*compras.Paso, error)
}

// States are where purchases stand, and what their history tells.
type States interface {
	Leer(ctx context.Context, id string) (contracts.Compra, error)
	Mover(ctx context.Context, cambios ...compras.Cambio) (contracts.Compra, bool, error)
	AnotarHecho(ctx context.Context, idCompra, paso string, tipo contracts.Tipo, detalle string) (contracts.Compra, error)
	TerminarTramite(ctx context.Context, t compra.Tramite) error
}

// Decisions are what people decide about purchases, and whom it concerns that they have not.
type Decisions interface {
	MotivoDeCancelacion(ctx context.Context, idCompra string) (string, error)
	Decidir(ctx context.Context, idCompra string, d compras.Decision) (compras.Decision, bool, error)
	EntregarDecision(ctx context.Context, idCompra string) (compras.Decision, error)
	Wanted(ctx context.Context, faltantes []contracts.Faltante) ([]contracts.SolicitudCompra, error)
}

// Participants sends a command about a purchase to the participant that it is for. compras.ErrNobodyAsked says that there is none;
// any other error is trouble with the broker.
type Participants interface {
	Ask(ctx context.Context, c contracts.SolicitudCompra, command contracts.Tipo) error
}

// Difusor tells the world of a purchase's new state, without being waited for.
type Difusor interface{ Difundir(c contracts.Compra) }

// Avisos wakes who waits for a reply.
type Avisos interface {
	// Esperar gives a channel that gets a token when the question is answered, in whatever replica. Call the second result when done.
	// Start to wait before the question is asked, or its reply may come first.
	Esperar(idCompra string, comando contracts.Tipo) (<-chan struct{}, func())
}

// Saga implements compra.Actividades.
type Saga struct {
	almacen      Almacen
	participants Participants
	avisos       Avisos
	difusor      Difusor
	ajustes      Ajustes
	alCambiar    func() // a place became free, or there is something to follow up
}

// Nueva makes the saga's activities. alCambiar is called when a purchase gives up its place or reaches a state that something waits for.
func Nueva(a Almacen, p Participants, avisos Avisos, d Difusor, ajustes Ajustes, alCambiar func()) *Saga {
	return &Saga{almacen: a, participants: p, avisos: avisos, difusor: d, ajustes: ajustes, alCambiar: alCambiar}
}

var _ compra.Actividades = (*Saga)(nil)

// Preguntar implements compra.Actividades.
func (s *Saga) Preguntar(ctx context.Context, p compra.Pregunta) (compra.Desenlace, error) {
	ctx = registro.ConCompra(ctx, p.Compra.ID)
	aviso, soltar := s.avisos.Esperar(p.Compra.ID, p.Comando)
	defer soltar()
	causa := compra.StepOf(p.Comando).Cause
	planteada, err := s.almacen.Plantear(ctx, compras.Cambio{
		IDCompra: p.Compra.ID, A: p.Entra, Desde: p.Desde, Tipo: causa, Detalle: compras.Detalle(causa), SiNoCancelada: p.Cancelable,
	}, p.Comando, p.En, !p.Cancelable)
	if err != nil {
		return compra.Desenlace{}, err
	}
	if planteada.Movida {
		s.difusor.Difundir(planteada.Compra)
	}
	if d := sinPreguntar(p, planteada); d != nil {
		return *d, nil
	}
	espera := s.delPaso(planteada.Paso)
	if !p.Cancelable { // begun after CONFIRMADA: it ends with an answer
		espera = deUnaVuelta(s.ajustes.Paciencia)
	}
	paso, err := s.preguntarYEsperar(ctx, p.Compra, p.Comando, planteada.Paso, aviso, espera)
	if err != nil {
		return compra.Desenlace{}, err
	}
	switch r := paso.Respuesta; { // a cancellation begins by undoing the order
	case r == nil:
	case compra.TroubleUndoing(p.Comando, r.Tipo):
		return s.refused(ctx, p.Compra.ID, p.Comando, r)
	case compra.UndoOf(p.Comando).Confirmed.Type == r.Tipo:
		if err := s.contarDeshecho(ctx, p.Compra.ID, p.Comando, paso); err != nil {
			return compra.Desenlace{}, err
		}
	}
	return s.concluir(ctx, p, paso)
}

// sinPreguntar is the outcome when there is nothing to ask (any more), else nil.
func sinPreguntar(p compra.Pregunta, planteada compras.Planteada) *compra.Desenlace {
	estado := planteada.Compra.Estado
	switch {
	case planteada.Paso == nil && p.Cancelable && planteada.CancelacionPedida && (slices.Contains(p.Desde, estado) || slices.Contains(p.En, estado)):
		return &compra.Desenlace{Resultado: compra.Cancelada, Motivo: planteada.MotivoDeCancelacion}
	case planteada.Paso == nil:
		return &compra.Desenlace{Resultado: compra.Terminada}
	case yaEntro(p.Al, estado):
		return &compra.Desenlace{Resultado: compra.Aceptada, Preguntada: true}
	case passed(p, planteada):
		return &compra.Desenlace{Resultado: compra.Aceptada, Preguntada: true}
	case !slices.Contains(p.En, estado):
		return &compra.Desenlace{Resultado: compra.Terminada}
	}
	return nil
}

// passed tells that the saga has gone beyond this step: its reply is there, and the purchase is in a later state. A workflow that starts
// again walks over such steps.
func passed(p compra.Pregunta, planteada compras.Planteada) bool {
	r := planteada.Paso.Respuesta
	return r != nil && r.Tipo == p.Acepta && !slices.Contains(p.En, planteada.Compra.Estado) && slices.Contains(compra.InFlight, planteada.Compra.Estado)
}

// concluir turns the reply, or its absence, into the step's outcome.
func (s *Saga) concluir(ctx context.Context, p compra.Pregunta, paso *compras.Paso) (compra.Desenlace, error) {
	d := compra.Desenlace{Preguntada: true}
	r := paso.Respuesta
	switch {
	case r == nil:
		d.Resultado = compra.SinRespuesta
	case r.Tipo != p.Acepta:
		d.Resultado, d.Respuesta, d.Motivo, d.Faltantes = compra.Rechazada, r.Tipo, r.Motivo, r.Faltantes
		if d.Motivo == "" {
			d.Motivo = compras.Detalle(r.Tipo)
		}
	case p.Al != "":
		return s.entrar(ctx, p, r)
	default:
		d.Resultado = compra.Aceptada
	}
	return d, nil
}

// entrar takes the purchase to the state that the reply brings: CONFIRMADA unless somebody asked to cancel it, a race that
// the purchase's row decides (docs/adr/who-owns-a-fact-decides.md), or DESPACHADA.
func (s *Saga) entrar(ctx context.Context, p compra.Pregunta, r *compras.Respuesta) (compra.Desenlace, error) {
	c, movida, err := s.almacen.Mover(ctx, compras.Cambio{
		IDCompra: p.Compra.ID, A: p.Al, Desde: p.En, Tipo: r.Tipo, Detalle: compras.Detalle(r.Tipo),
		IDOrden: r.IDOrden, SiNoCancelada: p.Cancelable,
	})
	if err != nil {
		return compra.Desenlace{}, err
	}
	fallas.Punto(fallas.Anotada, string(p.Al))
	if movida {
		slog.InfoContext(ctx, "compra al final de la saga", "estado", p.Al)
		s.difusor.Difundir(c)
		s.alCambiar()
	}
	if yaEntro(p.Al, c.Estado) {
		return compra.Desenlace{Resultado: compra.Aceptada, Preguntada: true}, nil
	}
	return s.cancelada(ctx, p.Compra.ID, true)
}

// cancelada is the outcome of a step that did not go on because somebody asked to cancel, with the reason given.
func (s *Saga) cancelada(ctx context.Context, idCompra string, preguntada bool) (compra.Desenlace, error) {
	motivo, err := s.almacen.MotivoDeCancelacion(ctx, idCompra)
	if err != nil {
		return compra.Desenlace{}, err
	}
	return compra.Desenlace{Resultado: compra.Cancelada, Preguntada: preguntada, Motivo: motivo}, nil
}

// yaEntro tells that a purchase in estado has been in al: a step that is repeated after its last write has nothing to do.
func yaEntro(al, estado contracts.Estado) bool {
	return al != "" && (estado == al || al == contracts.EstadoConfirmada && estado == contracts.EstadoDespachada)
}

// Deshacer implements compra.Actividades.
func (s *Saga) Deshacer(ctx context.Context, r compra.Rollback) (compra.Desenlace, error) {
	ctx = registro.ConCompra(ctx, r.Compra.ID)
	aviso, soltar := s.avisos.Esperar(r.Compra.ID, r.Comando)
	defer soltar()
	planteada, err := s.almacen.Plantear(ctx, compras.Cambio{
		IDCompra: r.Compra.ID, A: contracts.EstadoCompensando, Desde: r.Desde, Tipo: r.Causa, Motivo: r.Motivo, Detalle: r.Motivo,
	}, r.Comando, []contracts.Estado{contracts.EstadoCompensando}, true)
	if err != nil {
		return compra.Desenlace{}, err
	}
	if planteada.Movida {
		s.difusor.Difundir(planteada.Compra)
	}
	if planteada.Paso == nil {
		return compra.Desenlace{}, fmt.Errorf("la compra %s está %s: no se puede deshacer", r.Compra.ID, planteada.Compra.Estado)
	}
	paso, err := s.preguntarYEsperar(ctx, r.Compra, r.Comando, planteada.Paso, aviso, deUnaVuelta(s.ajustes.EsperaRollback))
	if err != nil {
		return compra.Desenlace{}, err
	}
	switch {
	case paso.Respuesta == nil:
		return compra.Desenlace{Resultado: compra.SinRespuesta, Preguntada: true}, nil
	case compra.Dispatched(r.Comando, paso.Respuesta.Tipo):
		return compra.Desenlace{Resultado: compra.Rechazada, Preguntada: true, Respuesta: paso.Respuesta.Tipo, IDOrden: paso.Respuesta.IDOrden}, nil
	case compra.TroubleUndoing(r.Comando, paso.Respuesta.Tipo):
		return s.refused(ctx, r.Compra.ID, r.Comando, paso.Respuesta)
	}
	if err := s.contarDeshecho(ctx, r.Compra.ID, r.Comando, paso); err != nil {
		return compra.Desenlace{}, err
	}
	return compra.Desenlace{Resultado: compra.Aceptada, Preguntada: true}, nil
}

// refused is the outcome of a rollback that its participant refuses and may not: only ordenes says that a purchase has left.
// Whoever keeps the units or the validation cannot know that there is no order to cancel any more, so this is trouble: it is
// told in the history, and asked again.
func (s *Saga) refused(ctx context.Context, idCompra string, rollback contracts.Tipo, reply *compras.Respuesta) (compra.Desenlace, error) {
	slog.ErrorContext(ctx, "reversa negada", "comando", rollback, "respuesta", reply.Tipo, "motivo", reply.Motivo)
	c, err := s.almacen.AnotarHecho(ctx, idCompra, "ReversaNegada", reply.Tipo, "Al deshacer ("+string(rollback)+") se respondió "+string(reply.Tipo)+": se pregunta de nuevo.")
	if err != nil {
		return compra.Desenlace{}, err
	}
	s.difusor.Difundir(c)
	if err := s.almacen.Reopen(ctx, idCompra, rollback); err != nil {
		return compra.Desenlace{}, err
	}
	return compra.Desenlace{Resultado: compra.SinRespuesta, Preguntada: true, Respuesta: reply.Tipo}, nil
}

// contarDeshecho tells in the history what was undone.
func (s *Saga) contarDeshecho(ctx context.Context, idCompra string, rollback contracts.Tipo, paso *compras.Paso) error {
	c, err := s.almacen.AnotarHecho(ctx, idCompra, string(rollback), paso.Respuesta.Tipo, compras.Detalle(paso.Respuesta.Tipo))
	if err != nil {
		return err
	}
	s.difusor.Difundir(c)
	return nil
}

// Cerrar implements compra.Actividades.
func (s *Saga) Cerrar(ctx context.Context, c compra.Cierre) error {
	ctx = registro.ConCompra(ctx, c.IDCompra)
	if c.Estado == contracts.EstadoRechazada && len(c.Faltantes) > 0 {
		s.tellWanted(ctx, c.Faltantes)
	}
	vista, movida, err := s.almacen.Mover(ctx, compras.Cambio{
		IDCompra: c.IDCompra, A: c.Estado, Desde: c.Desde,
		Tipo: c.Causa, Motivo: c.Motivo, Detalle: cmp.Or(c.Detalle, c.Motivo), Faltantes: c.Faltantes, IDOrden: c.IDOrden,
	})
	if err != nil {
		return err
	}
	fallas.Punto(fallas.Anotada, string(c.Estado))
	if movida {
		slog.InfoContext(ctx, "compra terminada", "estado", c.Estado)
		s.difusor.Difundir(vista)
		s.alCambiar()
	}
	return nil
}

// TerminarTramite implements compra.Actividades. A cancellation that was refused is told in the history. A workflow that starts again
// after its purchase was cancelled finds nothing to do, and that is no refusal.
func (s *Saga) TerminarTramite(ctx context.Context, t compra.Tramite) error {
	ctx = registro.ConCompra(ctx, t.IDCompra)
	if t.Tipo == compra.TramiteCancelacion && !t.Hecho {
		done, err := s.refusedCancellation(ctx, t.IDCompra)
		if err != nil {
			return err
		}
		t.Hecho = done
	}
	slog.InfoContext(ctx, "trámite terminado", "tipo", t.Tipo, "hecho", t.Hecho)
	return s.almacen.TerminarTramite(ctx, t)
}

// refusedCancellation tells in the history of a purchase that ordenes refused to cancel it, where it did, and else whether the
// purchase was cancelled.
func (s *Saga) refusedCancellation(ctx context.Context, id string) (done bool, err error) {
	paso, err := s.almacen.LeerPaso(ctx, id, compra.Anulacion.Command)
	if err != nil {
		return false, err
	}
	if paso == nil || paso.Respuesta == nil || !compra.Dispatched(compra.Anulacion.Command, paso.Respuesta.Tipo) {
		c, err := s.almacen.Leer(ctx, id)
		return c.Estado == contracts.EstadoCancelada, err
	}
	c, err := s.almacen.AnotarHecho(ctx, id, "CancelacionNegada", paso.Respuesta.Tipo, "No se pudo cancelar: la orden ya salió de la bodega.")
	if err != nil {
		return false, err
	}
	s.difusor.Difundir(c)
	return false, nil
}
