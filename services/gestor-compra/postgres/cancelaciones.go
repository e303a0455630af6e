package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/audit"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// compraLock makes a cancellation and the arrival of its purchase take turns (docs/adr/rollback-may-come-first.md).
const compraLock = `select pg_advisory_xact_lock(hashtextextended($1, 0))`

// Cancelar requests the cancellation of a purchase. Its effect depends on the state of the purchase:
//
//	RECIBIDA                 CANCELADA at once, by the compare-and-set that also starts a purchase
//	a step of the saga       a mark, which each step reads before it sends its command
//	POR_APROBAR              a decision, if it is the first; a mark if the purchase is approved already
//	CONFIRMADA               a tramite with its own workflow, in which ordenes decides
//	COMPENSANDO, CANCELADA   nothing: the purchase is being cancelled, or is cancelled
//	any other                Conflict
//
// The request that has an effect is an act of the person who acts in ctx; a repeated one is none. done tells that the purchase is
// cancelled already. Errors: NotFound, Conflict.
func (s *Store) Cancelar(ctx context.Context, idCompra, motivo string) (c contracts.Compra, done bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var estado contracts.Estado
		// Not `for update`, which can deadlock with an approval: the approval inserts its decision, whose foreign key needs the
		// row of the purchase, while this transaction would hold that row and wait for the decision.
		err := tx.QueryRow(ctx, `select estado from compra where id = $1 for no key update`, idCompra).Scan(&estado)
		if errors.Is(err, pgx.ErrNoRows) {
			return errs.New(errs.NotFound, "No existe la compra %s.", idCompra)
		}
		if err != nil {
			return err
		}
		var first bool
		if done, first, err = cancelarIn(ctx, tx, idCompra, estado, motivo); err != nil {
			return err
		}
		if first {
			if err := recordCancelacion(ctx, tx, idCompra, motivo); err != nil {
				return err
			}
		}
		rows, err := tx.Query(ctx, view+`where c.id = $1`, idCompra)
		if err != nil {
			return err
		}
		return oneCompra(&c)(rows)
	})
	if err != nil {
		return c, false, fmt.Errorf("cancel: %w", err)
	}
	return c, done, nil
}

func recordCancelacion(ctx context.Context, tx pgx.Tx, idCompra, motivo string) error {
	return audit.Record(ctx, tx, contracts.Acto{Tipo: contracts.ActoCancelacion, Objeto: idCompra, IDCompra: idCompra, Motivo: motivo})
}

// cancelarIn requests the cancellation of a purchase in estado. first tells that no earlier request had the same effect.
func cancelarIn(ctx context.Context, tx pgx.Tx, idCompra string, estado contracts.Estado, motivo string) (done, first bool, err error) {
	switch estado {
	case contracts.EstadoRecibida:
		var batch pgx.Batch
		queueChange(&batch, compras.Change{
			IDCompra: idCompra, To: contracts.EstadoCancelada, From: []contracts.Estado{estado},
			Tipo: contracts.CancelarCompra, Motivo: motivo, Detalle: motivo, By: actor.Of(ctx),
		}, &first)
		err = tx.SendBatch(ctx, &batch).Close()
		return true, first, err
	case contracts.EstadoPorAprobar:
		first, err = cancelarAwaitingAprobacion(ctx, tx, idCompra, motivo)
		return false, first, err
	case contracts.EstadoConfirmada:
		first, err = openCancelacion(ctx, tx, idCompra, motivo)
		return false, first, err
	case contracts.EstadoCompensando, contracts.EstadoCancelada:
		return estado == contracts.EstadoCancelada, false, nil
	default:
		if slices.Contains(compra.Entered(), estado) {
			first, err = setMark(ctx, tx, idCompra, motivo)
			return false, first, err
		}
		return false, false, errs.New(errs.Conflict, "La compra está %s: ya no se puede cancelar.", estado)
	}
}

// setMark marks a purchase as to be cancelled, unless it is marked.
func setMark(ctx context.Context, tx pgx.Tx, idCompra, motivo string) (first bool, err error) {
	who := actor.Of(ctx)
	done, err := tx.Exec(ctx, `update compra set cancelacion_pedida = $2, cancelacion_sujeto = $3, cancelacion_rol = $4, cancelacion_traza = $5
where id = $1 and cancelacion_pedida is null`, idCompra, motivo, who.Sujeto, who.Rol, logging.Trace(ctx))
	return done.RowsAffected() == 1, err
}

// CancelacionMotivo returns the reason of a cancellation that was requested while the saga runs, or "" when none was.
func (s *Store) CancelacionMotivo(ctx context.Context, idCompra string) (motivo string, err error) {
	err = s.pool.QueryRow(ctx, `select coalesce(cancelacion_pedida, '') from compra where id = $1`, idCompra).Scan(&motivo)
	if err != nil {
		return "", fmt.Errorf("reason of the cancellation: %w", err)
	}
	return motivo, nil
}

func cancelarAwaitingAprobacion(ctx context.Context, tx pgx.Tx, idCompra, motivo string) (first bool, err error) {
	current, first, err := decide(ctx, tx, idCompra, compras.Decision{Decision: compras.Cancelled, Motivo: motivo, By: actor.Of(ctx)})
	if err != nil {
		return false, err
	}
	switch current.Decision {
	case compras.Cancelled:
		return first, nil
	case compras.Aprobada: // the step that creates the order reads the mark
		return setMark(ctx, tx, idCompra, motivo)
	default:
		return false, errs.New(errs.Conflict, "La compra ya fue %s: ya no se puede cancelar.", current.Decision)
	}
}

// openCancelacion inserts the tramite of a cancellation. It returns Conflict when a cancellation was refused before or the order
// has left.
func openCancelacion(ctx context.Context, tx pgx.Tx, idCompra, motivo string) (first bool, err error) {
	who := actor.Of(ctx)
	var despachada bool
	err = tx.QueryRow(ctx, `
with added as (
    insert into tramite (id_compra, tipo, motivo, sujeto, rol, traza) values ($1, $2, $3, $5, $6, $7) on conflict do nothing returning 1
)
select exists (select from added), exists (select from tramite where id_compra = $1 and (tipo = $4 or (tipo = $2 and hecho is false)))`,
		idCompra, compra.TramiteCancelacion, motivo, compra.TramiteDespacho, who.Sujeto, who.Rol, logging.Trace(ctx)).Scan(&first, &despachada)
	if err != nil {
		return false, err
	}
	if despachada {
		return false, errs.New(errs.Conflict, "La orden ya salió de la bodega: la compra no se puede cancelar.")
	}
	return first, nil
}

// CancelarByMessage is Cancelar for a command, which may come before its purchase. Then it stores an early cancellation, which
// Accept finds. A command of another customer than the owner is BadMessage.
func (s *Store) CancelarByMessage(ctx context.Context, idCompra, idUsuario, motivo string) (contracts.Compra, bool, error) {
	var owner string
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, compraLock, idCompra); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `select id_usuario from compra where id = $1`, idCompra).Scan(&owner)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		who := actor.Of(ctx)
		done, err := tx.Exec(ctx, `insert into cancelacion_anticipada (id_compra, id_usuario, motivo, sujeto, rol) values ($1, $2, $3, $4, $5) on conflict do nothing`,
			idCompra, idUsuario, motivo, who.Sujeto, who.Rol)
		if err != nil || done.RowsAffected() == 0 {
			return err
		}
		return recordCancelacion(ctx, tx, idCompra, motivo)
	})
	switch {
	case err != nil:
		return contracts.Compra{}, false, fmt.Errorf("cancel by message: %w", err)
	case owner == "":
		return contracts.Compra{}, false, nil
	case owner != idUsuario:
		return contracts.Compra{}, false, errs.New(errs.BadMessage, "la compra %s no es de quien la cancela", idCompra)
	}
	return s.Cancelar(ctx, idCompra, motivo)
}

// RecordDespacho inserts the tramite of a dispatch, in whatever state the purchase is: its workflow starts when the purchase is
// confirmed. The person who acts in ctx dispatched the order. An unknown purchase is BadMessage.
func (s *Store) RecordDespacho(ctx context.Context, idCompra string) error {
	who := actor.Of(ctx)
	var known bool
	err := s.pool.QueryRow(ctx, `
with added as (
    insert into tramite (id_compra, tipo, sujeto, rol, traza) select id, $2, $3, $4, $5 from compra where id = $1 on conflict do nothing
)
select exists (select from compra where id = $1)`, idCompra, compra.TramiteDespacho, who.Sujeto, who.Rol, logging.Trace(ctx)).Scan(&known)
	if err != nil {
		return fmt.Errorf("record the dispatch: %w", err)
	}
	if !known {
		return errs.New(errs.BadMessage, "nadie conoce la compra %s que salió de la bodega", idCompra)
	}
	return nil
}
