// Package intake is how a purchase comes in, by whichever door, and what may be done to one from outside.
package intake

import (
	"context"
	"log/slog"
	"time"

	"entregas/contracts"
	"entregas/internal/logging"
	"entregas/services/gestor-compra/compras"
)

// Store keeps the purchases.
type Store interface {
	Purchases
	Decisions
}

// Purchases are what may be done to a purchase from outside.
type Purchases interface {
	Accept(ctx context.Context, s contracts.SolicitudCompra, openOnes compras.OpenLimit) (c contracts.Compra, fresh bool, err error)
	Cancelar(ctx context.Context, idCompra, motivo string) (c contracts.Compra, done bool, err error)
	CancelarByMessage(ctx context.Context, idCompra, idUsuario, motivo string) (c contracts.Compra, done bool, err error)
	RecordDespacho(ctx context.Context, idCompra string) error
	Reintentar(ctx context.Context, idCompra string, approval time.Duration) (contracts.Compra, error)
}

// Decisions are what is decided about the purchases that await an approval.
type Decisions interface {
	Aprobar(ctx context.Context, idCompra string, d compras.Decision) (contracts.Compra, error)
	Decide(ctx context.Context, idCompra string, d compras.Decision) (compras.Decision, bool, error)
	WantedSince(ctx context.Context, age time.Duration) ([]string, error)
}

// Waker wakes the workflow of a purchase that awaits a decision. It may fail: a sweep wakes again.
type Waker interface {
	Wake(ctx context.Context, idCompra string)
}

// Broadcaster tells the world of a purchase's new state, without being waited for.
type Broadcaster interface{ Broadcast(c contracts.Compra) }

// Intake takes purchases in.
type Intake struct {
	store       Store
	broadcaster Broadcaster
	waker       Waker
	options     Options
}

// Options of a Intake. The calls tell others to look, and do not wait.
type Options struct {
	MaxOpen   int           // purchases of one customer that may be open at a time
	Approval  time.Duration // how long an approval may take
	Admit     func()        // there is something to start
	Reconcile func()        // there is a workflow to replace
}

// New takes purchases into a.
func New(a Store, d Broadcaster, waker Waker, options Options) *Intake {
	return &Intake{store: a, broadcaster: d, waker: waker, options: options}
}

// Accept takes a purchase in, once: the same one again gives it as it stands. It checks everything but stock.
// Errors: Invalid; Conflict when the id has another owner or content, or its customer has too many open.
func (i *Intake) Accept(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error) {
	return i.accept(ctx, s, compras.OpenLimit{Max: i.options.MaxOpen})
}

// AcceptByMessage is Accept for a command, whose sender is not there to be told that there are too many: the purchase is
// RECHAZADA, and nothing was reserved for it.
func (i *Intake) AcceptByMessage(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error) {
	return i.accept(ctx, s, compras.OpenLimit{Max: i.options.MaxOpen, Rechazar: true})
}

func (i *Intake) accept(ctx context.Context, s contracts.SolicitudCompra, openOnes compras.OpenLimit) (contracts.Compra, error) {
	if err := s.Validate(); err != nil {
		return contracts.Compra{}, err
	}
	ctx = logging.WithCompra(ctx, s.ID)
	c, fresh, err := i.store.Accept(ctx, s, openOnes)
	if err != nil {
		return c, err
	}
	if fresh {
		slog.InfoContext(ctx, "compra recibida", "lineas", len(s.Productos), "domicilio", s.Domicilio, "estado", c.Estado)
		i.broadcaster.Broadcast(c)
	}
	if fresh && c.Estado == contracts.EstadoRecibida {
		i.options.Admit()
	}
	return c, nil
}

// defaultMotivo is what a cancellation without a reason tells.
const defaultMotivo = "La canceló el cliente."

// Cancelar asks that a purchase be cancelled; done tells that it is. Errors: Invalid, NotFound, Conflict.
func (i *Intake) Cancelar(ctx context.Context, idCompra, motivo string) (c contracts.Compra, done bool, err error) {
	var v contracts.Validator
	if motivo, err = motivoOf(&v, idCompra, motivo); err != nil {
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
	motivo, err := motivoOf(&v, idCompra, motivo)
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

// motivoOf checks a cancellation and gives its reason.
func motivoOf(v *contracts.Validator, idCompra, motivo string) (string, error) {
	v.IDCompra("id", idCompra)
	v.Motivo("motivo", motivo)
	if motivo == "" {
		motivo = defaultMotivo
	}
	return motivo, v.Error()
}

func (i *Intake) afterCancelling(ctx context.Context, c contracts.Compra) {
	slog.InfoContext(ctx, "cancelación pedida", "estado", c.Estado)
	switch c.Estado {
	case contracts.EstadoCancelada:
		i.broadcaster.Broadcast(c)
	case contracts.EstadoPorAprobar:
		i.waker.Wake(ctx, c.ID)
	}
	i.options.Admit()
}

// Aprobar records an operator's decision about a purchase that awaits one. Errors: Invalid, NotFound, Conflict.
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
	slog.InfoContext(ctx, "aprobación decidida", "decision", d.Decision)
	i.waker.Wake(ctx, idCompra)
	return c, nil
}

// ReleaseEvery is how often to look for purchases whose units others want, as WANTED_STOCK_TIMEOUT says.
const ReleaseEvery = 10 * time.Second

// ReleaseWanted ends the wait of the purchases that nobody has decided about while others have been refused, for longer than
// age, for want of what they hold (docs/adr/units-that-await-approval.md).
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
			slog.WarnContext(ctx, "nadie decidió a tiempo, y otros quieren lo que retiene")
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

// Reintentar takes up a purchase that stands still, or a compensation that could not be done. Errors: Invalid, NotFound;
// Conflict where the purchase is at an end or goes on.
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
	slog.InfoContext(ctx, "an operator takes the purchase up", "estado", c.Estado)
	i.broadcaster.Broadcast(c)
	i.options.Reconcile()
	return c, nil
}
