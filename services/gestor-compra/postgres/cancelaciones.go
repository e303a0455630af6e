package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// compraLock makes a cancellation and the arrival of its purchase take turns (docs/adr/rollback-may-come-first.md).
const compraLock = `select pg_advisory_xact_lock(hashtextextended($1, 0))`

// Cancelar asks that a purchase be cancelled, by whatever its state allows:
//
//	RECIBIDA                 CANCELADA at once, by the compare-and-set that starting it uses
//	one of a saga's step     a mark that each step looks at before it asks
//	POR_APROBAR              a decision, if it is the first; a mark when it was approved
//	CONFIRMADA               a workflow of its own, in which ordenes decides
//	COMPENSANDO, CANCELADA   nothing: it is on its way, or done
//	any other                Conflict
//
// done tells that there is nothing more to do. Errors: NotFound, Conflict.
func (a *Store) Cancelar(ctx context.Context, idCompra, motivo string) (c contracts.Compra, done bool, err error) {
	err = pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		var estado contracts.Estado
		// Not `for update`: an approval inserts its decision and then its foreign key asks for the purchase's key, while
		// this would hold that and wait for the decision. The two would be a deadlock.
		err := tx.QueryRow(ctx, `select estado from compra where id = $1 for no key update`, idCompra).Scan(&estado)
		if errors.Is(err, pgx.ErrNoRows) {
			return errs.New(errs.NotFound, "No existe la compra %s.", idCompra)
		}
		if err != nil {
			return err
		}
		if done, err = cancelarIn(ctx, tx, idCompra, estado, motivo); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, view+`where c.id = $1`, idCompra)
		if err != nil {
			return err
		}
		return oneCompra(&c)(rows)
	})
	if err != nil {
		return c, false, fmt.Errorf("cancelar: %w", err)
	}
	return c, done, nil
}

func cancelarIn(ctx context.Context, tx pgx.Tx, idCompra string, estado contracts.Estado, motivo string) (done bool, err error) {
	switch estado {
	case contracts.EstadoRecibida:
		var batch pgx.Batch
		queueChange(&batch, compras.Change{
			IDCompra: idCompra, To: contracts.EstadoCancelada, From: []contracts.Estado{estado},
			Tipo: contracts.CancelarCompra, Motivo: motivo, Detalle: motivo,
		}, &done)
		return true, tx.SendBatch(ctx, &batch).Close()
	case contracts.EstadoPorAprobar:
		return false, cancelarAwaitingAprobacion(ctx, tx, idCompra, motivo)
	case contracts.EstadoConfirmada:
		return false, openCancelacion(ctx, tx, idCompra, motivo)
	case contracts.EstadoCompensando, contracts.EstadoCancelada:
		return estado == contracts.EstadoCancelada, nil
	default:
		if slices.Contains(compra.Entered(), estado) {
			return false, setMark(ctx, tx, idCompra, motivo)
		}
		return false, errs.New(errs.Conflict, "La compra está %s: ya no se puede cancelar.", estado)
	}
}

func setMark(ctx context.Context, tx pgx.Tx, idCompra, motivo string) error {
	_, err := tx.Exec(ctx, `update compra set cancelacion_pedida = coalesce(cancelacion_pedida, $2) where id = $1`, idCompra, motivo)
	return err
}

// CancelacionMotivo is the reason of a cancellation that was requested while the saga runs; empty when none was.
func (a *Store) CancelacionMotivo(ctx context.Context, idCompra string) (motivo string, err error) {
	err = a.pool.QueryRow(ctx, `select coalesce(cancelacion_pedida, '') from compra where id = $1`, idCompra).Scan(&motivo)
	if err != nil {
		return "", fmt.Errorf("motivo de la cancelación: %w", err)
	}
	return motivo, nil
}

func cancelarAwaitingAprobacion(ctx context.Context, tx pgx.Tx, idCompra, motivo string) error {
	current, _, err := decide(ctx, tx, idCompra, compras.Decision{Decision: compras.Cancelled, Motivo: motivo})
	if err != nil {
		return err
	}
	switch current.Decision {
	case compras.Cancelled:
		return nil
	case compras.Aprobada: // the order is being created: its step looks at the mark
		return setMark(ctx, tx, idCompra, motivo)
	default:
		return errs.New(errs.Conflict, "La compra ya fue %s: ya no se puede cancelar.", current.Decision)
	}
}

// openCancelacion starts a workflow of its own, unless one was refused before or the order is known to have left.
func openCancelacion(ctx context.Context, tx pgx.Tx, idCompra, motivo string) error {
	var despachada bool
	err := tx.QueryRow(ctx, `
with added as (
    insert into tramite (id_compra, tipo, motivo) values ($1, $2, $3) on conflict do nothing
)
select exists (select from tramite where id_compra = $1 and (tipo = $4 or (tipo = $2 and hecho is false)))`,
		idCompra, compra.TramiteCancelacion, motivo, compra.TramiteDespacho).Scan(&despachada)
	if err != nil {
		return err
	}
	if despachada {
		return errs.New(errs.Conflict, "La orden ya salió de la bodega: la compra no se puede cancelar.")
	}
	return nil
}

// CancelarByMessage is Cancelar for a command from the broker, which may come before its purchase: then it leaves a mark
// that the purchase finds when it comes. Only the owner's is taken; another's is BadMessage.
func (a *Store) CancelarByMessage(ctx context.Context, idCompra, idUsuario, motivo string) (contracts.Compra, bool, error) {
	var owner string
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, compraLock, idCompra); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `select id_usuario from compra where id = $1`, idCompra).Scan(&owner)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		_, err = tx.Exec(ctx, `insert into cancelacion_anticipada (id_compra, id_usuario, motivo) values ($1, $2, $3) on conflict do nothing`,
			idCompra, idUsuario, motivo)
		return err
	})
	switch {
	case err != nil:
		return contracts.Compra{}, false, fmt.Errorf("cancelar por mensaje: %w", err)
	case owner == "":
		return contracts.Compra{}, false, nil
	case owner != idUsuario:
		return contracts.Compra{}, false, errs.New(errs.BadMessage, "la compra %s no es de quien la cancela", idCompra)
	}
	return a.Cancelar(ctx, idCompra, motivo)
}

// RecordDespacho records that the order of a purchase has left the warehouse, in whatever state the purchase is: it is
// applied once the purchase is confirmed. A purchase that nobody knows is BadMessage.
func (a *Store) RecordDespacho(ctx context.Context, idCompra string) error {
	var known bool
	err := a.pool.QueryRow(ctx, `
with added as (
    insert into tramite (id_compra, tipo) select id, $2 from compra where id = $1 on conflict do nothing
)
select exists (select from compra where id = $1)`, idCompra, compra.TramiteDespacho).Scan(&known)
	if err != nil {
		return fmt.Errorf("anotar el despacho: %w", err)
	}
	if !known {
		return errs.New(errs.BadMessage, "nadie conoce la compra %s que salió de la bodega", idCompra)
	}
	return nil
}
