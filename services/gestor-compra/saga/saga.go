// Package saga has the activities of the workflows in workflows/compra: it records states, sends commands, and waits for
// replies (docs/adr/a-step-asks-and-waits.md).
package saga

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/internal/failpoint"
	"entregas/internal/logging"
	"entregas/services/gestor-compra/anchors"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// Settings are the waits of the saga.
type Settings struct {
	Patience      time.Duration // how long a step waits for its reply, from its first send (docs/adr/steps-outwait-outages.md)
	AskAgainAfter time.Duration // the pause before a command is sent again; it doubles each time
	ReviewRound   time.Duration // how often a step looks for its reply without a wake-up
	RollbackDelay time.Duration // how long one round of a rollback waits for its reply

	// AprobacionDeadline is how long a purchase may wait for approval. WantedStock is how long it may still wait after another purchase
	// was refused for lack of its units (docs/adr/units-that-await-approval.md). The saga only shows both to the operator.
	AprobacionDeadline, WantedStock time.Duration
}

// Store stores the commands, states and decisions of the saga.
type Store interface {
	Questions
	States
	Decisions
}

// Questions has the commands that the saga sends, and their replies.
type Questions interface {
	Pose(ctx context.Context, k compras.Change, command contracts.MessageType, inAnyOf []contracts.Estado, always bool) (compras.Posed, error)
	LoadStep(ctx context.Context, idCompra string, command contracts.MessageType) (*compras.Step, error)
	Alive(ctx context.Context, idCompra string, command contracts.MessageType) error
	Reopen(ctx context.Context, idCompra string, command contracts.MessageType) error
	Abandon(ctx context.Context, idCompra string, command contracts.MessageType) (*compras.Step, error)
}

// States has the states and the histories of purchases.
type States interface {
	Load(ctx context.Context, id string) (contracts.Compra, error)
	Move(ctx context.Context, changes ...compras.Change) (contracts.Compra, bool, error)
	RecordFact(ctx context.Context, idCompra, step string, kind contracts.MessageType, detail string) (contracts.Compra, error)
	FinishTramite(ctx context.Context, t compra.Tramite) error
}

// Decisions has the cancellations and approvals of purchases, and the purchases that hold units which other purchases lack.
type Decisions interface {
	CancelacionMotivo(ctx context.Context, idCompra string) (string, error)
	Decide(ctx context.Context, idCompra string, d compras.Decision) (compras.Decision, bool, error)
	DeliverDecision(ctx context.Context, idCompra string) (compras.Decision, error)
	Wanted(ctx context.Context, faltantes []contracts.Faltante) ([]contracts.SolicitudCompra, error)
}

// Participants sends a command about a purchase to its participant. compras.ErrNobodyAsked says that no participant takes the
// command; any other error is trouble with the broker.
type Participants interface {
	Ask(ctx context.Context, c contracts.Compra, command contracts.MessageType) error
}

// Broadcaster publishes the new state of a purchase. It does not wait for the publication.
type Broadcaster interface{ Broadcast(c contracts.Compra) }

// Wakeups wakes the activities that wait for a reply.
type Wakeups interface {
	// Wait returns a channel that gets a token when any replica records the reply to command. The caller must call the returned
	// function when it is done. Call Wait before the command is sent, or the reply may come first.
	Wait(idCompra string, command contracts.MessageType) (<-chan struct{}, func())
}

// Saga implements compra.Activities.
type Saga struct {
	store        Store
	participants Participants
	wakeups      Wakeups
	broadcaster  Broadcaster
	settings     Settings
	onChange     func()
}

// New returns a Saga. It calls onChange, which must not block, when a place became free or a tramite may have become due.
func New(store Store, participants Participants, wakeups Wakeups, broadcaster Broadcaster, settings Settings, onChange func()) *Saga {
	return &Saga{store: store, participants: participants, wakeups: wakeups, broadcaster: broadcaster, settings: settings, onChange: onChange}
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
	if posed.Step != nil {
		anchors.Posed(ctx, posed.Step.PreguntadaEn)
	}
	if d := withoutAsking(p, posed); d != nil {
		return *d, nil
	}
	delay := s.stepDelay(posed.Step)
	if !p.Cancelable { // a step of a tramite, which waits until there is a reply
		delay = forOneRound(s.settings.Patience)
	}
	step, err := s.askAndWait(ctx, posed.Compra, p.Command, posed.Step, wakeup, delay)
	if err != nil {
		return compra.Outcome{}, err
	}
	switch r := step.Reply; { // the first step of a cancellation is a rollback
	case r == nil:
	case compra.TroubleUndoing(p.Command, r.Tipo):
		return s.refused(ctx, p.Compra.ID, p.Command, r)
	case compra.UndoOf(p.Command).Confirmed.Type == r.Tipo:
		if err := s.recordUndone(ctx, p.Compra.ID, p.Command, step); err != nil {
			return compra.Outcome{}, err
		}
	}
	return s.conclude(ctx, p, step)
}

// withoutAsking returns the outcome of a step whose command must not be sent, or nil when it must be sent.
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

// passed tells whether the saga has gone beyond this step: its reply is recorded, and the purchase is in a later state. A
// workflow that was replaced skips such steps.
func passed(p compra.Question, posed compras.Posed) bool {
	r := posed.Step.Reply
	return r != nil && r.Tipo == p.Accepts && !slices.Contains(p.In, posed.Compra.Estado) && slices.Contains(compra.InFlight, posed.Compra.Estado)
}

// conclude returns the outcome of a step from its reply. Without a reply the outcome is NoReply.
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
		return s.enter(ctx, p, r)
	default:
		d.Result = compra.Accepted
	}
	return d, nil
}

// enter changes the purchase to the state that the reply brings: CONFIRMADA or DESPACHADA. It does not become CONFIRMADA when a
// cancellation is requested; the row of the purchase decides that race (docs/adr/who-owns-a-fact-decides.md).
func (s *Saga) enter(ctx context.Context, p compra.Question, r *compras.Reply) (compra.Outcome, error) {
	c, moved, err := s.store.Move(ctx, compras.Change{
		IDCompra: p.Compra.ID, To: p.To, From: p.In, Tipo: r.Tipo, Detalle: compras.Detalle(r.Tipo),
		IDOrden: r.IDOrden, UnlessCancelled: p.Cancelable,
	})
	if err != nil {
		return compra.Outcome{}, err
	}
	failpoint.Point(failpoint.Recorded, string(p.To))
	if moved {
		slog.InfoContext(ctx, "the saga reached its end", "estado", p.To)
		s.broadcaster.Broadcast(c)
		s.onChange()
	}
	if alreadyIn(p.To, c.Estado) {
		return compra.Outcome{Result: compra.Accepted, Asked: true}, nil
	}
	return s.cancelled(ctx, p.Compra.ID, true)
}

// cancelled returns the outcome of a step that stopped because of a requested cancellation, with its reason.
func (s *Saga) cancelled(ctx context.Context, idCompra string, asked bool) (compra.Outcome, error) {
	motivo, err := s.store.CancelacionMotivo(ctx, idCompra)
	if err != nil {
		return compra.Outcome{}, err
	}
	return compra.Outcome{Result: compra.Cancelled, Asked: asked, Motivo: motivo}, nil
}

// alreadyIn tells whether a purchase in estado has been in state to. Then a repeated step has nothing to do.
func alreadyIn(to, estado contracts.Estado) bool {
	return to != "" && (estado == to || to == contracts.EstadoConfirmada && estado == contracts.EstadoDespachada)
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
		slog.InfoContext(ctx, "purchase ended", "estado", c.Estado)
		s.broadcaster.Broadcast(view)
		s.onChange()
	}
	return nil
}

// FinishTramite implements compra.Activities. It records a refused cancellation in the history. A workflow that was replaced after
// its purchase was cancelled finds nothing to do, which is no refusal.
func (s *Saga) FinishTramite(ctx context.Context, t compra.Tramite) error {
	ctx = logging.WithCompra(ctx, t.IDCompra)
	if t.Tipo == compra.TramiteCancelacion && !t.Done {
		done, err := s.refusedCancellation(ctx, t.IDCompra)
		if err != nil {
			return err
		}
		t.Done = done
	}
	slog.InfoContext(ctx, "tramite ended", "tipo", t.Tipo, "done", t.Done)
	return s.store.FinishTramite(ctx, t)
}

// refusedCancellation records in the history that ordenes refused the cancellation, if it did. done tells whether the purchase is
// cancelled.
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
