// Package recepcion is how a purchase comes in, by whichever door, and what may be done to one from outside.
package recepcion

import (
	"context"
	"log/slog"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/registro"
)

// Almacen keeps the purchases.
type Almacen interface {
	Purchases
	Decisions
}

// Purchases are what may be done to a purchase from outside.
type Purchases interface {
	Aceptar(ctx context.Context, s contracts.SolicitudCompra, abiertas compras.Abiertas) (c contracts.Compra, nueva bool, err error)
	Cancelar(ctx context.Context, idCompra, motivo string) (c contracts.Compra, hecha bool, err error)
	CancelarPorMensaje(ctx context.Context, idCompra, idUsuario, motivo string) (c contracts.Compra, hecha bool, err error)
	AnotarDespacho(ctx context.Context, idCompra string) error
	Reintentar(ctx context.Context, idCompra string, approval time.Duration) (contracts.Compra, error)
}

// Decisions are what is decided about the purchases that await an approval.
type Decisions interface {
	Aprobar(ctx context.Context, idCompra string, d compras.Decision) (contracts.Compra, error)
	Decidir(ctx context.Context, idCompra string, d compras.Decision) (compras.Decision, bool, error)
	WantedSince(ctx context.Context, age time.Duration) ([]string, error)
}

// Despertador wakes the workflow of a purchase that awaits a decision. It may fail: a sweep wakes again.
type Despertador interface {
	Despertar(ctx context.Context, idCompra string)
}

// Difusor tells the world of a purchase's new state, without being waited for.
type Difusor interface{ Difundir(c contracts.Compra) }

// Recepcion takes purchases in.
type Recepcion struct {
	almacen     Almacen
	difusor     Difusor
	despertador Despertador
	options     Options
}

// Options of a Recepcion. The calls tell others to look, and do not wait.
type Options struct {
	MaxOpen   int           // purchases of one customer that may be open at a time
	Approval  time.Duration // how long an approval may take
	Admit     func()        // there is something to start
	Reconcile func()        // there is a workflow to replace
}

// Nueva takes purchases into a.
func Nueva(a Almacen, d Difusor, despertador Despertador, options Options) *Recepcion {
	return &Recepcion{almacen: a, difusor: d, despertador: despertador, options: options}
}

// Aceptar takes a purchase in, once: the same one again gives it as it stands. It checks everything but stock.
// Errors: Invalido; Conflicto when the id has another owner or content, or its customer has too many open.
func (r *Recepcion) Aceptar(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error) {
	return r.aceptar(ctx, s, compras.Abiertas{Max: r.options.MaxOpen})
}

// AceptarPorMensaje is Aceptar for a command, whose sender is not there to be told that there are too many: the purchase is
// RECHAZADA, and nothing was reserved for it.
func (r *Recepcion) AceptarPorMensaje(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error) {
	return r.aceptar(ctx, s, compras.Abiertas{Max: r.options.MaxOpen, Rechazar: true})
}

func (r *Recepcion) aceptar(ctx context.Context, s contracts.SolicitudCompra, abiertas compras.Abiertas) (contracts.Compra, error) {
	if err := s.Validar(); err != nil {
		return contracts.Compra{}, err
	}
	ctx = registro.ConCompra(ctx, s.ID)
	c, nueva, err := r.almacen.Aceptar(ctx, s, abiertas)
	if err != nil {
		return c, err
	}
	if nueva {
		slog.InfoContext(ctx, "compra recibida", "lineas", len(s.Productos), "domicilio", s.Domicilio, "estado", c.Estado)
		r.difusor.Difundir(c)
	}
	if nueva && c.Estado == contracts.EstadoRecibida {
		r.options.Admit()
	}
	return c, nil
}

// motivoPorOmision is what a cancellation without a reason tells.
const motivoPorOmision = "La canceló el cliente."

// Cancelar asks that a purchase be cancelled; hecha tells that it is. Errors: Invalido, NoEncontrado, Conflicto.
func (r *Recepcion) Cancelar(ctx context.Context, idCompra, motivo string) (c contracts.Compra, hecha bool, err error) {
	var v contracts.Validador
	if motivo, err = motivoDe(&v, idCompra, motivo); err != nil {
		return c, false, err
	}
	ctx = registro.ConCompra(ctx, idCompra)
	if c, hecha, err = r.almacen.Cancelar(ctx, idCompra, motivo); err != nil {
		return c, false, err
	}
	r.trasCancelar(ctx, c)
	return c, hecha, nil
}

// CancelarPorMensaje is Cancelar for a command that may come before its purchase (docs/adr/rollback-may-come-first.md).
func (r *Recepcion) CancelarPorMensaje(ctx context.Context, idCompra, idUsuario, motivo string) error {
	var v contracts.Validador
	v.Identificador("id_usuario", idUsuario)
	motivo, err := motivoDe(&v, idCompra, motivo)
	if err != nil {
		return err
	}
	ctx = registro.ConCompra(ctx, idCompra)
	c, _, err := r.almacen.CancelarPorMensaje(ctx, idCompra, idUsuario, motivo)
	if err != nil || c.ID == "" {
		return err
	}
	r.trasCancelar(ctx, c)
	return nil
}

// motivoDe checks a cancellation and gives its reason.
func motivoDe(v *contracts.Validador, idCompra, motivo string) (string, error) {
	v.IDCompra("id", idCompra)
	v.Motivo("motivo", motivo)
	if motivo == "" {
		motivo = motivoPorOmision
	}
	return motivo, v.Error()
}

func (r *Recepcion) trasCancelar(ctx context.Context, c contracts.Compra) {
	slog.InfoContext(ctx, "cancelación pedida", "estado", c.Estado)
	switch c.Estado {
	case contracts.EstadoCancelada:
		r.difusor.Difundir(c)
	case contracts.EstadoPorAprobar:
		r.despertador.Despertar(ctx, c.ID)
	}
	r.options.Admit()
}

// Aprobar records an operator's decision about a purchase that awaits one. Errors: Invalido, NoEncontrado, Conflicto.
func (r *Recepcion) Aprobar(ctx context.Context, idCompra string, aprobada bool, motivo string) (contracts.Compra, error) {
	var v contracts.Validador
	v.IDCompra("id", idCompra)
	v.Motivo("motivo", motivo)
	if err := v.Error(); err != nil {
		return contracts.Compra{}, err
	}
	d := compras.Decision{Decision: compras.Rechazada, Motivo: motivo}
	if aprobada {
		d.Decision = compras.Aprobada
	}
	ctx = registro.ConCompra(ctx, idCompra)
	c, err := r.almacen.Aprobar(ctx, idCompra, d)
	if err != nil {
		return c, err
	}
	slog.InfoContext(ctx, "aprobación decidida", "decision", d.Decision)
	r.despertador.Despertar(ctx, idCompra)
	return c, nil
}

// ReleaseEvery is how often to look for purchases whose units others want, as WANTED_STOCK_TIMEOUT says.
const ReleaseEvery = 10 * time.Second

// ReleaseWanted ends the wait of the purchases that nobody has decided about while others have been refused, for longer than
// age, for want of what they hold (docs/adr/units-that-await-approval.md).
func (r *Recepcion) ReleaseWanted(ctx context.Context, age time.Duration) error {
	ids, err := r.almacen.WantedSince(ctx, age)
	if err != nil {
		return err
	}
	for _, id := range ids {
		ctx := registro.ConCompra(ctx, id)
		if _, first, err := r.almacen.Decidir(ctx, id, compras.Decision{Decision: compras.Expirada}); err != nil {
			return err
		} else if first {
			slog.WarnContext(ctx, "nadie decidió a tiempo, y otros quieren lo que retiene")
			r.despertador.Despertar(ctx, id)
		}
	}
	return nil
}

// Despachada records that the order of a purchase has left the warehouse.
func (r *Recepcion) Despachada(ctx context.Context, idCompra string) error {
	if err := r.almacen.AnotarDespacho(registro.ConCompra(ctx, idCompra), idCompra); err != nil {
		return err
	}
	r.options.Admit()
	return nil
}

// Reintentar takes up a purchase that stands still, or a compensation that could not be done. Errors: Invalido, NoEncontrado;
// Conflicto where the purchase is at an end or goes on.
func (r *Recepcion) Reintentar(ctx context.Context, idCompra string) (contracts.Compra, error) {
	var v contracts.Validador
	v.IDCompra("id", idCompra)
	if err := v.Error(); err != nil {
		return contracts.Compra{}, err
	}
	ctx = registro.ConCompra(ctx, idCompra)
	c, err := r.almacen.Reintentar(ctx, idCompra, r.options.Approval)
	if err != nil {
		return c, err
	}
	slog.InfoContext(ctx, "an operator takes the purchase up", "estado", c.Estado)
	r.difusor.Difundir(c)
	r.options.Reconcile()
	return c, nil
}
