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
	"entregas/internal/failpoint"
	"entregas/internal/logging"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// Settings of the waiting.
type Settings struct {
	Patience      time.Duration // how long a step waits for its reply, from the first ask (docs/adr/steps-outwait-outages.md)
	AskAgainAfter time.Duration // the first repetition of an ask; then doubling
	ReviewRound   time.Duration // how often a waiter looks by itself, should a wake-up get lost
	RollbackDelay time.Duration // how long one turn of a compensation waits

	// How long a purchase may await its approval, and how long once others were refused for want of what it holds
	// (docs/adr/units-that-await-approval.md). Here they are only told to the operator.
	AprobacionDeadline, WantedStock time.Duration
}

// Store is what the saga keeps.
type Store interface {
	Questions
	States
	Decisions
}

// Questions are the commands that the saga sends, and their replies.
type Questions interface {
	Pose(ctx context.Context, k compras.Change, command contracts.MessageType, inAnyOf []contracts.Estado, always bool) (compras.Posed, error)
	LoadStep(ctx context.Context, idCompra string, command contracts.MessageType) (*compras.Step, error)
	Alive(ctx context.Context, idCompra string, command contracts.MessageType) error
	Reopen(ctx context.Context, idCompra string, command contracts.MessageType) error
	Abandon(ctx context.Context, idCompra string, command contracts.MessageType) (*compras.Step, error)
}

// States are where purchases stand, and what their history tells.
type States interface {
	Load(ctx context.Context, id string) (contracts.Compra, error)
	Move(ctx context.Context, changes ...compras.Change) (contracts.Compra, bool, error)
	RecordFact(ctx context.Context, idCompra, step string, kind contracts.MessageType, detail string) (contracts.Compra, error)
	FinishTramite(ctx context.Context, t compra.Tramite) error
}

// Decisions are what people decide about purchases, and whom it concerns that they have not.
type Decisions interface {
	CancelacionMotivo(ctx context.Context, idCompra string) (string, error)
	Decide(ctx context.Context, idCompra string, d compras.Decision) (compras.Decision, bool, error)
	DeliverDecision(ctx context.Context, idCompra string) (compras.Decision, error)
	Wanted(ctx context.Context, faltantes []contracts.Faltante) ([]contracts.SolicitudCompra, error)
}

// Participants sends a command about a purchase to the participant that it is for. compras.ErrNobodyAsked says that there is none;
// any other error is trouble with the broker.
type Participants interface {
	Ask(ctx context.Context, c contracts.SolicitudCompra, command contracts.MessageType) error
}

// Broadcaster tells the world of a purchase's new state, without being waited for.
type Broadcaster interface{ Broadcast(c contracts.Compra) }

// Wakeups wakes who waits for a reply.
type Wakeups interface {
	// Wait gives a channel that gets a token when the question is answered, in whatever replica. Call the second result when done.
	// Start to wait before the question is asked, or its reply may come first.
	Wait(idCompra string, command contracts.MessageType) (<-chan struct{}, func())
}

// Saga implements compra.Activities.
type Saga struct {
	store        Store
	participants Participants
	wakeups      Wakeups
	broadcaster  Broadcaster
	settings     Settings
	onChange     func() // a place became free, or there is something to follow up
}

// New makes the saga's activities. onChange is called when a purchase gives up its place or reaches a state that something waits for.
func New(a Store, p Participants, wakeups Wakeups, d Broadcaster, settings Settings, onChange func()) *Saga {
	return &Saga{store: a, participants: p, wakeups: wakeups, broadcaster: d, settings: settings, onChange: onChange}
}

var _ compra.Activities = (*Saga)(nil)

// Ask implements compra.Activities.
func (s *Saga) Ask(ctx context.Context, p compra.Question) (compra.Outcome, error) {
	ctx = logging.WithCompra(ctx, p.Compra.ID)
	wakeup, release := s.wakeups.Wait(p.Compra.ID, p.Command)
	defer release()
	cause := compra.StepOf(p.Command).Cause
	posed, err := s.store.Pose(ctx, compras.Change{
		IDCompra: p.Compra.ID, To: p.Enters, From: p.From, Tipo: cause, Detalle: compras.Detalle(cause), UnlessCancelled: p.Cancelable,
	}, p.Command, p.In, !p.Cancelable)
	if err != nil {
		return compra.Outcome{}, err
	}
	if posed.Moved {
		s.broadcaster.Broadcast(posed.Compra)
	}
	if d := withoutAsking(p, posed); d != nil {
		return *d, nil
	}
	delay := s.stepDelay(posed.Step)
	if !p.Cancelable { // begun after CONFIRMADA: it ends with an answer
		delay = forOneRound(s.settings.Patience)
	}
	step, err := s.askAndWait(ctx, p.Compra, p.Command, posed.Step, wakeup, delay)
	if err != nil {
		return compra.Outcome{}, err
	}
	switch r := step.Reply; { // a cancellation begins by undoing the order
	case r == nil:
	case compra.TroubleUndoing(p.Command, r.Tipo):
		return s.refused(ctx, p.Compra.ID, p.Command, r)
	case compra.UndoOf(p.Command).Confirmed.Type == r.Tipo:
		if err := s.countUndone(ctx, p.Compra.ID, p.Command, step); err != nil {
			return compra.Outcome{}, err
		}
	}
	return s.conclude(ctx, p, step)
}

// withoutAsking is the outcome when there is nothing to ask (any more), else nil.
func withoutAsking(p compra.Question, posed compras.Posed) *compra.Outcome {
	estado := posed.Compra.Estado
	switch {
	case posed.Step == nil && p.Cancelable && posed.CancelacionAsked && (slices.Contains(p.From, estado) || slices.Contains(p.In, estado)):
		return &compra.Outcome{Result: compra.Cancelled, Motivo: posed.CancelacionMotivo}
	case posed.Step == nil && compra.IsPast(estado, p.In):
		// The purchase went on without this step, which was added to the table later. A workflow that starts again with the new
		// table goes on too, and has nothing to undo here.
		return &compra.Outcome{Result: compra.Accepted}
	case posed.Step == nil:
		return &compra.Outcome{Result: compra.Finished}
	case alreadyIn(p.To, estado):
		return &compra.Outcome{Result: compra.Accepted, Asked: true}
	case passed(p, posed):
		return &compra.Outcome{Result: compra.Accepted, Asked: true}
	case !slices.Contains(p.In, estado):
		return &compra.Outcome{Result: compra.Finished}
	}
	return nil
}

// passed tells that the saga has gone beyond this step: its reply is there, and the purchase is in a later state. A workflow that starts
// again walks over such steps.
func passed(p compra.Question, posed compras.Posed) bool {
	r := posed.Step.Reply
	return r != nil && r.Tipo == p.Accepts && !slices.Contains(p.In, posed.Compra.Estado) && slices.Contains(compra.InFlight, posed.Compra.Estado)
}

// conclude turns the reply, or its absence, into the step's outcome.
func (s *Saga) conclude(ctx context.Context, p compra.Question, step *compras.Step) (compra.Outcome, error) {
	d := compra.Outcome{Asked: true}
	r := step.Reply
	switch {
	case r == nil:
		d.Result = compra.NoReply
	case r.Tipo != p.Accepts:
		d.Result, d.Reply, d.Motivo, d.Faltantes = compra.Refused, r.Tipo, r.Motivo, r.Faltantes
		if d.Motivo == "" {
			d.Motivo = compras.Detalle(r.Tipo)
		}
	case p.To != "":
		return s.signIn(ctx, p, r)
	default:
		d.Result = compra.Accepted
	}
	return d, nil
}

// signIn takes the purchase to the state that the reply brings: CONFIRMADA unless somebody asked to cancel it, a race that
// the purchase's row decides (docs/adr/who-owns-a-fact-decides.md), or DESPACHADA.
func (s *Saga) signIn(ctx context.Context, p compra.Question, r *compras.Reply) (compra.Outcome, error) {
	c, moved, err := s.store.Move(ctx, compras.Change{
		IDCompra: p.Compra.ID, To: p.To, From: p.In, Tipo: r.Tipo, Detalle: compras.Detalle(r.Tipo),
		IDOrden: r.IDOrden, UnlessCancelled: p.Cancelable,
	})
	if err != nil {
		return compra.Outcome{}, err
	}
	failpoint.Point(failpoint.Recorded, string(p.To))
	if moved {
		slog.InfoContext(ctx, "compra al final de la saga", "estado", p.To)
		s.broadcaster.Broadcast(c)
		s.onChange()
	}
	if alreadyIn(p.To, c.Estado) {
		return compra.Outcome{Result: compra.Accepted, Asked: true}, nil
	}
	return s.cancelled(ctx, p.Compra.ID, true)
}

// cancelled is the outcome of a step that did not go on because somebody asked to cancel, with the reason given.
func (s *Saga) cancelled(ctx context.Context, idCompra string, asked bool) (compra.Outcome, error) {
	motivo, err := s.store.CancelacionMotivo(ctx, idCompra)
	if err != nil {
		return compra.Outcome{}, err
	}
	return compra.Outcome{Result: compra.Cancelled, Asked: asked, Motivo: motivo}, nil
}

// alreadyIn tells that a purchase in estado has been in al: a step that is repeated after its last write has nothing to do.
func alreadyIn(to, estado contracts.Estado) bool {
	return to != "" && (estado == to || to == contracts.EstadoConfirmada && estado == contracts.EstadoDespachada)
}

// Undo implements compra.Activities.
func (s *Saga) Undo(ctx context.Context, r compra.Rollback) (compra.Outcome, error) {
	ctx = logging.WithCompra(ctx, r.Compra.ID)
	wakeup, release := s.wakeups.Wait(r.Compra.ID, r.Command)
	defer release()
	posed, err := s.store.Pose(ctx, compras.Change{
		IDCompra: r.Compra.ID, To: contracts.EstadoCompensando, From: r.From, Tipo: r.Cause, Motivo: r.Motivo, Detalle: r.Motivo,
	}, r.Command, []contracts.Estado{contracts.EstadoCompensando}, true)
	if err != nil {
		return compra.Outcome{}, err
	}
	if posed.Moved {
		s.broadcaster.Broadcast(posed.Compra)
	}
	if posed.Step == nil {
		return compra.Outcome{}, fmt.Errorf("la compra %s está %s: no se puede deshacer", r.Compra.ID, posed.Compra.Estado)
	}
	step, err := s.askAndWait(ctx, r.Compra, r.Command, posed.Step, wakeup, forOneRound(s.settings.RollbackDelay))
	if err != nil {
		return compra.Outcome{}, err
	}
	switch {
	case step.Reply == nil:
		return compra.Outcome{Result: compra.NoReply, Asked: true}, nil
	case compra.Dispatched(r.Command, step.Reply.Tipo):
		return compra.Outcome{Result: compra.Refused, Asked: true, Reply: step.Reply.Tipo, IDOrden: step.Reply.IDOrden}, nil
	case compra.TroubleUndoing(r.Command, step.Reply.Tipo):
		return s.refused(ctx, r.Compra.ID, r.Command, step.Reply)
	}
	if err := s.countUndone(ctx, r.Compra.ID, r.Command, step); err != nil {
		return compra.Outcome{}, err
	}
	return compra.Outcome{Result: compra.Accepted, Asked: true}, nil
}

// refused is the outcome of a rollback that its participant refuses and may not: only ordenes says that a purchase has left.
// Whoever keeps the units or the validation cannot know that there is no order to cancel any more, so this is trouble: it is
// told in the history, and asked again.
func (s *Saga) refused(ctx context.Context, idCompra string, rollback contracts.MessageType, reply *compras.Reply) (compra.Outcome, error) {
	slog.ErrorContext(ctx, "reversa negada", "comando", rollback, "respuesta", reply.Tipo, "motivo", reply.Motivo)
	c, err := s.store.RecordFact(ctx, idCompra, "ReversaNegada", reply.Tipo, "Al deshacer ("+string(rollback)+") se respondió "+string(reply.Tipo)+": se pregunta de nuevo.")
	if err != nil {
		return compra.Outcome{}, err
	}
	s.broadcaster.Broadcast(c)
	if err := s.store.Reopen(ctx, idCompra, rollback); err != nil {
		return compra.Outcome{}, err
	}
	return compra.Outcome{Result: compra.NoReply, Asked: true, Reply: reply.Tipo}, nil
}

// countUndone tells in the history what was undone.
func (s *Saga) countUndone(ctx context.Context, idCompra string, rollback contracts.MessageType, step *compras.Step) error {
	c, err := s.store.RecordFact(ctx, idCompra, string(rollback), step.Reply.Tipo, compras.Detalle(step.Reply.Tipo))
	if err != nil {
		return err
	}
	s.broadcaster.Broadcast(c)
	return nil
}

// Close implements compra.Activities.
func (s *Saga) Close(ctx context.Context, c compra.Ending) error {
	ctx = logging.WithCompra(ctx, c.IDCompra)
	if c.Estado == contracts.EstadoRechazada && len(c.Faltantes) > 0 {
		s.tellWanted(ctx, c.Faltantes)
	}
	view, moved, err := s.store.Move(ctx, compras.Change{
		IDCompra: c.IDCompra, To: c.Estado, From: c.From,
		Tipo: c.Cause, Motivo: c.Motivo, Detalle: cmp.Or(c.Detalle, c.Motivo), Faltantes: c.Faltantes, IDOrden: c.IDOrden,
	})
	if err != nil {
		return err
	}
	failpoint.Point(failpoint.Recorded, string(c.Estado))
	if moved {
		slog.InfoContext(ctx, "compra terminada", "estado", c.Estado)
		s.broadcaster.Broadcast(view)
		s.onChange()
	}
	return nil
}

// FinishTramite implements compra.Activities. A cancellation that was refused is told in the history. A workflow that starts again
// after its purchase was cancelled finds nothing to do, and that is no refusal.
func (s *Saga) FinishTramite(ctx context.Context, t compra.Tramite) error {
	ctx = logging.WithCompra(ctx, t.IDCompra)
	if t.Tipo == compra.TramiteCancelacion && !t.Done {
		done, err := s.refusedCancellation(ctx, t.IDCompra)
		if err != nil {
			return err
		}
		t.Done = done
	}
	slog.InfoContext(ctx, "trámite terminado", "tipo", t.Tipo, "hecho", t.Done)
	return s.store.FinishTramite(ctx, t)
}

// refusedCancellation tells in the history of a purchase that ordenes refused to cancel it, where it did, and else whether the
// purchase was cancelled.
func (s *Saga) refusedCancellation(ctx context.Context, id string) (done bool, err error) {
	step, err := s.store.LoadStep(ctx, id, compra.Anulacion.Command)
	if err != nil {
		return false, err
	}
	if step == nil || step.Reply == nil || !compra.Dispatched(compra.Anulacion.Command, step.Reply.Tipo) {
		c, err := s.store.Load(ctx, id)
		return c.Estado == contracts.EstadoCancelada, err
	}
	c, err := s.store.RecordFact(ctx, id, "CancelacionNegada", step.Reply.Tipo, "No se pudo cancelar: la orden ya salió de la bodega.")
	if err != nil {
		return false, err
	}
	s.broadcaster.Broadcast(c)
	return false, nil
}
