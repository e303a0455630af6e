// Package intake accepts purchases, from REST and from messages, and carries out the requests of clients and operators about them.
package intake

import (
	"context"
	"log/slog"
	"time"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/logging"
	"entregas/services/gestor-compra/anchors"
	"entregas/services/gestor-compra/compras"
)

// Store stores the purchases and the decisions about them.
type Store interface {
	Purchases
	Decisions
	Erasure
}

// Purchases has the changes of a purchase that clients and operators may make.
type Purchases interface {
	Accept(ctx context.Context, s contracts.SolicitudCompra, limit compras.OpenLimit) (c contracts.Compra, fresh bool, err error)
	Cancelar(ctx context.Context, idCompra, motivo string) (c contracts.Compra, done bool, err error)
	CancelarByMessage(ctx context.Context, idCompra, idUsuario, motivo string) (c contracts.Compra, done bool, err error)
	RecordDespacho(ctx context.Context, idCompra string) error
	Reintentar(ctx context.Context, idCompra string, approval time.Duration) (contracts.Compra, error)
}

// Decisions has the decisions about purchases that wait for approval.
type Decisions interface {
	Aprobar(ctx context.Context, idCompra string, d compras.Decision) (contracts.Compra, error)
	Decide(ctx context.Context, idCompra string, d compras.Decision) (compras.Decision, bool, error)
	WantedSince(ctx context.Context, age time.Duration) ([]string, error)
	PorAprobar(ctx context.Context, after contracts.Cursor, limit int) (list []contracts.Compra, total int, err error)
}

// Waker wakes the workflow of a purchase that waits for a decision. It may fail: a later sweep wakes the workflow.
type Waker interface {
	Wake(ctx context.Context, idCompra string)
}

// Broadcaster publishes the new state of a purchase. It does not wait for the publication.
type Broadcaster interface{ Broadcast(c contracts.Compra) }

// Intake accepts purchases and changes them.
type Intake struct {
	store       Store
	broadcaster Broadcaster
	waker       Waker
	options     Options
}

// Options are the settings of an Intake and the calls with which it notifies other parts. The calls must not block.
type Options struct {
	MaxOpen   int           // the limit for the open purchases of one customer
	Approval  time.Duration // how long a purchase may wait for approval
	Wanted    time.Duration // how long it may still wait once another purchase lacks its units
	Admit     func()        // there may be a workflow to start
	Reconcile func()        // there may be a workflow to replace

	// Remove removes the workflow with an id, which has ended, and does nothing where there is none.
	Remove func(ctx context.Context, id string) error
}

// New returns an Intake that stores purchases in store.
func New(store Store, broadcaster Broadcaster, waker Waker, options Options) *Intake {
	return &Intake{store: store, broadcaster: broadcaster, waker: waker, options: options}
}

// Accept stores a purchase and returns it; a repeated request returns the purchase as it is now. It checks everything but
// stock. Errors: Invalid; Conflict when the id has another owner or content, or when the customer has too many open purchases.
func (i *Intake) Accept(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error) {
	return i.accept(ctx, s, compras.OpenLimit{Max: i.options.MaxOpen})
}

// AcceptByMessage is Accept for a command, whose sender gets no answer: a purchase above the limit is stored as RECHAZADA.
func (i *Intake) AcceptByMessage(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error) {
	return i.accept(ctx, s, compras.OpenLimit{Max: i.options.MaxOpen, Rechazar: true})
}

func (i *Intake) accept(ctx context.Context, s contracts.SolicitudCompra, limit compras.OpenLimit) (contracts.Compra, error) {
	if err := s.Validate(); err != nil {
		return contracts.Compra{}, err
	}
	ctx = logging.WithCompra(ctx, s.ID)
	c, fresh, err := i.store.Accept(ctx, s, limit)
	if err != nil {
		return c, err
	}
	if fresh {
		anchors.SendAccepted(compras.Accepted{ID: c.ID, Codigo: c.Codigo, Traceparent: logging.Trace(ctx), At: c.CreadaEn})
		slog.InfoContext(ctx, "purchase accepted", "lines", len(s.Productos), "domicilio", s.Domicilio, "estado", c.Estado)
		i.broadcaster.Broadcast(c)
	}
	if fresh && c.Estado == contracts.EstadoRecibida {
		i.options.Admit()
	}
	return c, nil
}

// Cancelar requests the cancellation of a purchase; done tells that it is cancelled already. Errors: Invalid, NotFound,
// Conflict.
func (i *Intake) Cancelar(ctx context.Context, idCompra, motivo string) (c contracts.Compra, done bool, err error) {
	var v contracts.Validator
	if motivo, err = motivoOf(ctx, &v, idCompra, motivo); err != nil {
		return c, false, err
	}
	ctx = logging.WithCompra(ctx, idCompra)
	if c, done, err = i.store.Cancelar(ctx, idCompra, motivo); err != nil {
		return c, false, err
	}
	i.afterCancelling(ctx, c)
	return c, done, nil
}

// CancelarByMessage is Cancelar for a command that may come before its purchase (docs/adr/rollback-may-come-first.md).
func (i *Intake) CancelarByMessage(ctx context.Context, idCompra, idUsuario, motivo string) error {
	var v contracts.Validator
	v.Identifier("id_usuario", idUsuario)
	motivo, err := motivoOf(ctx, &v, idCompra, motivo)
	if err != nil {
		return err
	}
	ctx = logging.WithCompra(ctx, idCompra)
	c, _, err := i.store.CancelarByMessage(ctx, idCompra, idUsuario, motivo)
	if err != nil || c.ID == "" {
		return err
	}
	i.afterCancelling(ctx, c)
	return nil
}

// motivoOf checks the id and the reason of a cancellation and returns the reason, or compras.DefaultMotivo.
func motivoOf(ctx context.Context, v *contracts.Validator, idCompra, motivo string) (string, error) {
	v.IDCompra("id", idCompra)
	v.Motivo("motivo", motivo)
	if motivo == "" {
		motivo = compras.DefaultMotivo(actor.Of(ctx))
	}
	return motivo, v.Error()
}

// afterCancelling notifies the parts that a cancellation concerns: the readers, the workflow or the admission.
func (i *Intake) afterCancelling(ctx context.Context, c contracts.Compra) {
	anchors.About(ctx, c)
	slog.InfoContext(ctx, "cancellation requested", "estado", c.Estado)
	switch c.Estado {
	case contracts.EstadoCancelada:
		i.broadcaster.Broadcast(c)
	case contracts.EstadoPorAprobar:
		i.waker.Wake(ctx, c.ID)
	}
	i.options.Admit()
}

// Aprobar records the decision of an operator about a purchase that waits for approval. Errors: Invalid, NotFound, Conflict.
func (i *Intake) Aprobar(ctx context.Context, idCompra string, aprobada bool, motivo string) (contracts.Compra, error) {
	var v contracts.Validator
	v.IDCompra("id", idCompra)
	v.Motivo("motivo", motivo)
	if err := v.Error(); err != nil {
		return contracts.Compra{}, err
	}
	d := compras.Decision{Decision: compras.Refused, Motivo: motivo}
	if aprobada {
		d.Decision = compras.Aprobada
	}
	ctx = logging.WithCompra(ctx, idCompra)
	c, err := i.store.Aprobar(ctx, idCompra, d)
	if err != nil {
		return c, err
	}
	anchors.About(ctx, c)
	slog.InfoContext(ctx, "approval decided", "decision", d.Decision)
	i.waker.Wake(ctx, idCompra)
	return c, nil
}

// PorAprobar returns at most limit purchases that wait for a decision of an operator, the oldest first, after the place after, with
// the end of their wait. total is the number of all of them.
func (i *Intake) PorAprobar(ctx context.Context, after contracts.Cursor, limit int) (list []contracts.CompraPorAprobar, total int, err error) {
	found, total, err := i.store.PorAprobar(ctx, after, limit)
	list = make([]contracts.CompraPorAprobar, len(found))
	for n, c := range found {
		list[n] = compras.Waiting(c, i.options.Approval, i.options.Wanted)
	}
	return list, total, err
}

// ReleaseEvery is how often to look for purchases that hold units for too long although other purchases want them
// (WANTED_STOCK_TIMEOUT).
const ReleaseEvery = 10 * time.Second

// ReleaseWanted ends the wait for approval of the purchases whose units another purchase has lacked for longer than age
// (docs/adr/units-that-await-approval.md).
func (i *Intake) ReleaseWanted(ctx context.Context, age time.Duration) error {
	ids, err := i.store.WantedSince(ctx, age)
	if err != nil {
		return err
	}
	for _, id := range ids {
		ctx := logging.WithCompra(ctx, id)
		if _, first, err := i.store.Decide(ctx, id, compras.Decision{Decision: compras.Expired}); err != nil {
			return err
		} else if first {
			slog.WarnContext(ctx, "the wait for approval ended early: other purchases want the units")
			i.waker.Wake(ctx, id)
		}
	}
	return nil
}

// DespachoDone records that the order of a purchase has left the warehouse.
func (i *Intake) DespachoDone(ctx context.Context, idCompra string) error {
	if err := i.store.RecordDespacho(logging.WithCompra(ctx, idCompra), idCompra); err != nil {
		return err
	}
	i.options.Admit()
	return nil
}

// Reintentar resumes a purchase that stands still, or the failed rollback of a FALLIDA. Errors: Invalid, NotFound; Conflict
// when the purchase is at its end or is not stalled.
func (i *Intake) Reintentar(ctx context.Context, idCompra string) (contracts.Compra, error) {
	var v contracts.Validator
	v.IDCompra("id", idCompra)
	if err := v.Error(); err != nil {
		return contracts.Compra{}, err
	}
	ctx = logging.WithCompra(ctx, idCompra)
	c, err := i.store.Reintentar(ctx, idCompra, i.options.Approval)
	if err != nil {
		return c, err
	}
	anchors.About(ctx, c)
	slog.InfoContext(ctx, "an operator resumed the purchase", "estado", c.Estado)
	i.broadcaster.Broadcast(c)
	i.options.Reconcile()
	return c, nil
}
